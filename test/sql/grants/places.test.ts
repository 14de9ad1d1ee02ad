/** How the users of a space with a capacity are counted as they come and go, compared with reading all their grants. */
import fc from 'fast-check';
import { functionSet } from '../../../src/database/function-set.ts';
import { limits as all } from '../../../src/limits.ts';
import { inSeconds, limitsWith, SqlSession } from '../../support/sql.ts';

type Row = Record<string, unknown>;

const limits = limitsWith({ placesAtOnce: 3 });

let sql: SqlSession;
let others: SqlSession[];
let grants = 0;

beforeAll(async () => {
  sql = await SqlSession.start();
  others = await Promise.all(Array.from({ length: 4 }, () => sql.another()));
});
afterAll(async () => {
  await Promise.all(others.map((session) => session.stop()));
  await sql.stop();
});

const deleteAll = (...tables: string[]) => sql.query(tables.map((table) => `delete from ${table}`).join('; '));
const history = ['place_notes', 'places', 'place_sources', 'place_counts', 'grants', 'audit', 'signing_keys'];

/** A tenant with a space. A deleted space had adopted the same stage before it. Everything is committed. */
beforeEach(async () => {
  await deleteAll(...history, 'roles', 'spaces', 'api_keys', 'tenants');
  await sql.insert('tenants', { id: 'ten' });
  const tenant = { tenant_id: 'ten' };
  await sql.insert('roles', { ...tenant, name: 'host' });
  await sql.insert('spaces', { ...tenant, id: 'spc', capacity: 3, stage_arn: 'stage', room_arn: 'room' });
  await sql.insert('spaces', {
    ...tenant,
    id: 'spc_old',
    stage_arn: null,
    former_stage_arn: 'stage',
    deleted_at: inSeconds(-60),
  });
  await sql.insert('spaces', { ...tenant, id: 'spc_free', stage_arn: 'stage_free', room_arn: null });
  await sql.insert('api_keys', { ...tenant, id: 'key' });
});

/** The row of the space as an argument. */
const space = `(select s from public.spaces as s where id = 'spc')`;
const count = `(select c from public.place_counts as c where space_id = 'spc' and not is_ended)`;

const countRow = async (session = sql): Promise<Row> =>
  (await session.query(`select * from place_counts where space_id = 'spc' and not is_ended`))[0] ?? {};
const placesOf = async () =>
  (await sql.query<{ user_id: string }>(`select user_id from places order by 1`)).map(({ user_id: user }) => user);
const notes = async () =>
  (await sql.query<{ user_id: string }>(`select distinct user_id from place_notes order by 1`)).map(
    (row) => row.user_id,
  );

/** The answer of `is_full`, and what it must be by the grants. Both are of one moment. */
async function isFull(user: string, session = sql): Promise<{ answer: unknown; plain: unknown }> {
  await session.begin();
  const answer = await session.valueOf('is_full', `${space}, $1, $2, false`, [user, limits]);
  const plain = await session.valueOf('is_full', `${space}, $1, $2, true`, [user, limits]);
  await session.commit();
  return { answer, plain };
}

/** Asks until the count is there to be relied on. */
async function counted(): Promise<void> {
  const from = performance.now();
  do {
    expect(performance.now() - from).toBeLessThan(60_000);
    await sql.rowsOf('users_inside', `${space}, '', $1`, [limits]);
  } while ((await countRow())['is_filled'] !== true);
}

/** Vends to a user as the service does. Returns the code of a refusal, or undefined. */
async function join(session: SqlSession, user: string, where = 'spc'): Promise<unknown> {
  grants++;
  const answer = await session.value<Row>('admit', {
    tenant: 'ten',
    callerKind: 'apiKey',
    credential: 'key',
    caller: { kind: 'apiKey', id: 'key' },
    space: where,
    user,
    pseudonym: user,
    roleAsked: 'host',
    rolesClaimed: [],
    stageGrant: `grt_${grants}_stage`,
    chatGrant: grants % 2 === 0 ? `grt_${grants}_chat` : null,
    participant: `participant_${grants}`,
    staying: null,
    auditEntry: `aud_${grants}`,
    outrankedEntry: `aud_${grants}_outranked`,
    auditAction: 'space.join',
    request: 'request',
    vendsPerMinute: 1_000,
    limits,
    olderAction: `act_${grants}`,
    olderEntry: `aud_${grants}_older`,
    repeats: [],
  });
  return answer['refused'];
}

/** Moves the clock: everything that is on record is this much longer ago. */
async function later(seconds: number): Promise<void> {
  await sql.query(`
    update grants set issued_at = issued_at - interval '${seconds} s', expires_at = expires_at - interval '${seconds} s',
                      session_expires_at = session_expires_at - interval '${seconds} s';
    update places set until = until - interval '${seconds} s';
    update spaces set updated_at = updated_at - interval '${seconds} s';
    update place_counts set space_updated_at = space_updated_at - interval '${seconds} s', begins_at = begins_at - interval '${seconds} s',
                            filled_to = filled_to - interval '${seconds} s'`);
}

/** Number of rows that this connection has read so far, by table. */
async function rowsRead(): Promise<Record<string, number>> {
  const rows = await sql.query<{ relname: string; n: string }>(
    `select relname, coalesce(idx_tup_fetch, 0) + seq_tup_read as n from pg_stat_xact_user_tables
      where relname in ('grants', 'places', 'place_notes', 'place_counts')`,
  );
  return Object.fromEntries(rows.map(({ relname, n }) => [relname, Number(n)]));
}

/** Ids of some grants in a state, by a number that chooses them. */
async function some(state: string, n: number): Promise<string[]> {
  const rows = await sql.query<{ id: string }>(`select id from grants where state = $1 order by id`, [state]);
  return rows.filter((_, at) => at % 3 === n % 3).map(({ id }) => id);
}

/** What happens in the life of a space. Each runs in a transaction of its own, as the service does it. */
const events: Record<string, (n: number) => Promise<unknown>> = {
  join: (n) => join(sql, `user-${n % 7}`),
  'join again': (n) => join(sql, `user-${n % 3}`),
  'join elsewhere': (n) => join(sql, `user-${n % 7}`, 'spc_free'),
  'settle as made': async (n) => {
    const made = (await some('pending', n)).map((id, at) => ({
      id,
      mint: 'ivs',
      participantId: `made_${id}`,
      expiresAt: new Date(Date.now() + 60_000),
      sessionExpiresAt: new Date(Date.now() + 60_000 * (1 + ((n + at) % 9))),
    }));
    await sql.value('settle_grants', { tenant: 'ten', made: JSON.stringify(made), failed: [], state: 'released' });
  },
  'settle as failed': async (n) =>
    sql.value('settle_grants', { tenant: 'ten', made: '[]', failed: await some('pending', n), state: 'released' }),
  refuse: async (n) => sql.call('refuse_grants', { tenant: 'ten', ids: await some('released', n) }),
  'refuse what is pending': (n) =>
    sql.value('refuse_pending_grants', {
      tenant: 'ten',
      space: n % 2 === 0 ? 'spc' : null,
      user: n % 2 === 0 ? null : `user-${n % 7}`,
      before: 'infinity',
      sparedRoles: [],
    }),
  'change a role': (n) =>
    sql.call('grants_beside_role', { tenant: 'ten', space: 'spc', user: `user-${n % 7}`, role: 'king', limits }),
  'act against': async (n) => sql.call('mark_grants_watched', { tenant: 'ten', ids: await some('released', n) }),
  lift: async (n) => sql.call('mark_grants_released', { tenant: 'ten', ids: await some('watched', n) }),
  revoke: async (n) => sql.call('mark_grants_revoked', { tenant: 'ten', ids: await some('watched', n), mint: null }),
  'delete a signing key': () =>
    sql.value('revoke_grants_of_key', { tenant: 'ten', key: 'sgk', from: '-infinity', limit: 100 }),
  sweep: () => sql.value('sweep_pending_grants', { olderThan: '1 minute', most: 2 }),
  'time passes': (n) => later((n % 5) * 40),
  'a signing key': (n) =>
    n % 2 === 0
      ? sql.query(`delete from signing_keys`)
      : sql.query(`insert into signing_keys (tenant_id, id, arn, state, private_key, public_key)
                   values ('ten', 'sgk', 'arn', 'active', 'sealed', 'PEM') on conflict do nothing`),
  'another capacity': (n) =>
    sql.query(`update spaces set capacity = $1, updated_at = clock_timestamp() where id = 'spc'`, [
      n % 5 === 4 ? null : 1 + (n % 4),
    ]),
  'a token of the deleted space': (n) =>
    sql.insert('grants', {
      tenant_id: 'ten',
      space_id: 'spc_old',
      user_id: `user-${n % 7}`,
      kind: n % 2 === 0 ? 'stage' : 'chat',
      state: 'watched',
    }),
  'a check': () => sql.value('check_count', { every: '0 s', limits }),
};

describe('users_inside', () => {
  test('whatever happens, a newcomer is let in if and only if there is room by the grants', async () => {
    const event = fc.tuple(fc.constantFrom(...Object.keys(events)), fc.nat(20));
    let relied = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 10, maxLength: 30 }), async (happening) => {
        await deleteAll(...history);
        await sql.query(`update spaces set capacity = 3, updated_at = now() - interval '1 hour' where id = 'spc'`);
        await counted();
        for (const [name, n] of happening) {
          await events[name]?.(n);
          const { answer, plain } = await isFull(`user-${n % 7}`);
          expect({ name, n, answer }).toEqual({ name, n, answer: plain });
          if ((await countRow())['is_filled'] === true) relied++;
        }
        expect(await wrong()).toEqual([]);
      }),
      { numRuns: 10 },
    );
    expect(relied).toBeGreaterThan(40); // most answers come from the count
  });

  test.each([0, 40])('newcomers at the same time never exceed the capacity, with %d inside before', async (before) => {
    for (let n = 0; n < before; n++)
      await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', user_id: `before-${n}` });
    await sql.query(`update spaces set capacity = $1 where id = 'spc'`, [before + 15]);
    await sql.query(`insert into signing_keys (tenant_id, id, arn, state, private_key, public_key)
                     values ('ten', 'sgk', 'arn', 'active', 'sealed', 'PEM')`);
    const refused = (
      await Promise.all(
        others.map(async (session, at) => {
          const answers: unknown[] = [];
          for (let n = 0; n < 10; n++) answers.push(await join(session, `user-${at}-${n}`));
          return answers;
        }),
      )
    ).flat();
    // Nobody is refused while there is room, and nobody is let in without.
    expect(refused.filter((code) => code === undefined)).toHaveLength(15);
    expect(refused.filter((code) => code === 'space_full')).toHaveLength(25);
    // Places that become free at the same time as others come are found.
    const ids = (await sql.query<{ id: string }>(`select id from grants where user_id like 'user-%'`)).map(
      ({ id }) => id,
    );
    const [freeing, ...coming] = others as [SqlSession, ...SqlSession[]];
    await Promise.all([
      (async () => {
        for (const id of ids) await freeing.call('mark_grants_watched', { tenant: 'ten', ids: [id] });
      })(),
      ...coming.map(async (session, at) => {
        for (let n = 0; n < 10; n++) await join(session, `more-${at}-${n}`);
      }),
    ]);
    expect(Number(await sql.value('users_in_space', { tenant: 'ten', space: 'spc', except: '' }))).toBeLessThanOrEqual(
      before + 15,
    );
    expect(await wrong()).toEqual([]);
    const { answer, plain } = await isFull('nobody');
    expect(answer).toBe(plain);
  });

  test('a newcomer reads as much in a space of ten thousand as in an empty one', async () => {
    await sql.query(`update spaces set capacity = 20000 where id = 'spc'`);
    const read = async () => {
      await counted();
      await sql.begin();
      const before = await rowsRead();
      await sql.valueOf('is_full', `${space}, 'ann', $1, false`, [all]);
      const after = await rowsRead();
      await sql.commit();
      return Object.fromEntries(Object.entries(after).map(([table, n]) => [table, n - (before[table] ?? 0)]));
    };
    const empty = await read();
    await sql.query(`
      insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state, expires_at, session_expires_at)
      select 'ten', 'grt_n' || n, 'spc', 'u' || n, 'u' || n, 'stage', 'host', '{}', 'released', now() + interval '1 hour', now() + interval '1 hour'
        from generate_series(1, 10000) as n`);
    await sql.query(`update spaces set updated_at = now() where id = 'spc'`);
    await counted();
    for (const [table, rows] of Object.entries(await read())) {
      expect({ table, rows, isMany: rows > (empty[table] ?? 0) + 2 }).toEqual({ table, rows, isMany: false });
    }
    expect(await countRow()).toMatchObject({ users: 10_000 });
  });
});

/** Users whose place is wrong, if there is a count to rely on. A change of the space ends the count. */
async function wrong(): Promise<unknown[]> {
  const [space] = await sql.query(`select updated_at from spaces where id = 'spc' and capacity is not null`);
  const { is_filled: isFilled, space_updated_at: countedSince } = await countRow();
  if (isFilled !== true || !space || Number(space['updated_at']) !== Number(countedSince)) return [];
  return await sql.rowsOf('wrong_places', `${count}, 100`);
}

const grant = (row: Row = {}) => sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...row });

describe('takes_place', () => {
  test.each([
    ['pending', true],
    ['released', true],
    ['watched', false],
    ['revoked', false],
    ['refused', false],
  ])('a grant that is %s: %p', async (state, takes) => {
    await grant({ id: 'grt', state });
    expect(await sql.valueOf('takes_place', `(select g from public.grants as g where id = 'grt')`)).toBe(takes);
  });

  test('a grant of somebody at the console takes none', async () => {
    await grant({ id: 'grt', role: 'console:viewer' });
    expect(await sql.valueOf('takes_place', `(select g from public.grants as g where id = 'grt')`)).toBe(false);
  });
});

describe('users_with_place', () => {
  test('lists each user once, with the end of their last session, and users of a stage that was adopted again', async () => {
    await grant({ session_expires_at: inSeconds(60) });
    await grant({ kind: 'chat', state: 'pending', session_expires_at: inSeconds(600) });
    await grant({ user_id: 'ben', state: 'watched' });
    await grant({ user_id: 'cat', session_expires_at: inSeconds(-1) });
    await grant({ user_id: 'dan', space_id: 'spc_old' });
    await grant({ user_id: 'eve', space_id: 'spc_old', kind: 'chat' });
    await grant({ user_id: 'fay', space_id: 'spc_free' });
    const rows = await sql.call<{ user_id: string; until: Date }>('users_with_place', { tenant: 'ten', space: 'spc' });
    expect(rows.map((row) => row.user_id).sort()).toEqual(['ann', 'dan']);
    const ann = rows.find((row) => row.user_id === 'ann');
    expect((ann?.until.getTime() ?? 0) - Date.now()).toBeGreaterThan(300_000);
  });
});

describe('note_places', () => {
  const note = (spaces: string[] | null, users: string[] | null) =>
    sql.call('note_places', { tenant: 'ten', spaces, users });

  test('notes each user once, also for a deleted space whose stage is that of the space', async () => {
    await counted();
    await note(['spc', 'spc', 'spc_old', 'spc_free'], ['ann', 'ann', 'ben', 'cat']);
    expect(await notes()).toEqual(['ann', 'ben']);
    expect(await sql.query('select from place_notes')).toHaveLength(2);
  });

  test('notes nothing for a space without a count, and nothing for nobody', async () => {
    await note(['spc'], ['ann']);
    await counted();
    await note(null, null);
    expect(await notes()).toEqual([]);
  });
});

describe('current_count', () => {
  const current = async () => await sql.valueOf('current_count', `${space}, $1`, [limits]);

  test('there is a count after a few calls, and it is up to date', async () => {
    await grant();
    await counted();
    await grant({ user_id: 'ben' });
    await sql.call('note_places', { tenant: 'ten', spaces: ['spc'], users: ['ben'] });
    expect(await current()).not.toBeNull();
    expect(await placesOf()).toEqual(['ann', 'ben']);
    expect(await notes()).toEqual([]);
  });

  test.each<[string, string]>([
    ['the space was changed', `update spaces set updated_at = now() where id = 'spc'`],
    [
      'the release before has changed grants',
      `insert into place_notes (tenant_id, count_id) select tenant_id, id from place_counts`,
    ],
  ])('a new count begins when %s', async (_, change) => {
    await counted();
    const { id } = await countRow();
    await sql.query(change);
    expect(await nullRow('current_count', `${space}, $1`)).toBe(true);
    expect((await countRow())['id']).not.toBe(id);
    expect(await sql.query(`select from place_counts where is_ended`)).toHaveLength(1);
  });

  test('a step treats only so many notes and ends; then all grants are read until the notes are treated', async () => {
    await counted();
    const users = ['a', 'b', 'c', 'd'];
    for (const user of users) await grant({ user_id: user });
    await sql.call('note_places', { tenant: 'ten', spaces: users.map(() => 'spc'), users });
    expect(await nullRow('current_count', `${space}, $1`)).toBe(true);
    expect(await notes()).toEqual(['d']);
    expect(await nullRow('current_count', `${space}, $1`)).toBe(false);
  });
});

/** Whether a function that returns a row returns a null row. */
async function nullRow(name: string, args: string): Promise<boolean> {
  const [row] = await sql.query<{ id: unknown }>(`select id from ${functionSet.schema}.${name}(${args})`, [limits]);
  return row?.id === null || row === undefined;
}

describe('begin_count', () => {
  test('a count waits for the time that it is given', async () => {
    await sql.rowsOf('begin_count', `${space}, '1 minute'`);
    for (let n = 0; n < 5; n++) await sql.rowsOf('users_inside', `${space}, '', $1`, [limits]);
    expect(await countRow()).toMatchObject({ is_noted: false, is_filled: false });
    await sql.query(`update place_counts set begins_at = now() - interval '1 s'`);
    await counted();
  });
});

describe('end_count', () => {
  test('nothing is noted for it any more, and another one can begin', async () => {
    await counted();
    await sql.rowsOf('end_count', count);
    await sql.call('note_places', { tenant: 'ten', spaces: ['spc'], users: ['ann'] });
    expect(await notes()).toEqual([]);
    await counted();
  });
});

describe('prepare_count', () => {
  const prepare = (session = sql) => session.rowsOf('prepare_count', `${count}, $1`, [limits]);

  test('it is filled after all transactions have ended that may not have noted a change', async () => {
    await sql.rowsOf('begin_count', `${space}, '0 s'`);
    const [changing] = others as [SqlSession];
    await changing.begin();
    await changing.insert('grants', { tenant_id: 'ten', space_id: 'spc' });
    await changing.call('note_places', { tenant: 'ten', spaces: ['spc'], users: ['ann'] });
    for (let n = 0; n < 4; n++) await prepare();
    expect(await countRow()).toMatchObject({ is_noted: true, is_filled: false });
    await changing.commit();
    for (let n = 0; n < 4; n++) await prepare();
    expect(await countRow()).toMatchObject({ is_filled: true, users: 1 });
    expect(await notes()).toEqual([]);
  });

  test('a count that was restored in another cluster begins to wait anew', async () => {
    await sql.rowsOf('begin_count', `${space}, '0 s'`);
    await sql.query(`update place_counts set is_noted = true, horizon = 9000000000000000000`);
    await counted();
  });
});

describe('writer_from_before', () => {
  const isWriting = (id: string) => sql.value('writer_from_before', { id });
  const idOf = async (session: SqlSession) =>
    String((await session.query(`select pg_current_xact_id()::text as id`))[0]?.['id']);

  test('finds a transaction of this database that has begun to write, until it ends', async () => {
    const [writing] = others as [SqlSession];
    await writing.begin();
    const first = await idOf(writing);
    const second = await idOf(sql);
    expect(BigInt(second)).toBeGreaterThan(BigInt(first));
    expect(await isWriting(second)).toBe(true);
    expect(await isWriting(first)).toBe(false);
    await writing.commit();
    expect(await isWriting(second)).toBe(false);
  });

  test('a transaction of another database does not count', async () => {
    const elsewhere = await SqlSession.start();
    try {
      await elsewhere.begin();
      await idOf(elsewhere);
      expect(await isWriting(await idOf(sql))).toBe(false);
    } finally {
      await elsewhere.stop();
    }
  });
});

describe('fill_count', () => {
  test('a step reads a part of the grants, and the last one ends it', async () => {
    for (let n = 0; n < 8; n++) await grant({ user_id: `user-${n % 6}`, session_expires_at: inSeconds(60 + n) });
    await sql.rowsOf('begin_count', `${space}, '0 s'`);
    await sql.query(
      `insert into place_sources (tenant_id, space_id, count_id) select tenant_id, space_id, id from place_counts`,
    );
    const step = () => sql.rowsOf('fill_count', `${count}, $1`, [limits]);
    await step();
    expect(await countRow()).toMatchObject({ users: 4, is_filled: false });
    await step();
    await step();
    expect(await countRow()).toMatchObject({ users: 6, is_filled: true });
    expect(await wrong()).toEqual([]);
  });
});

describe('count_noted', () => {
  test('counts those who came, and those who went, three notes at a time', async () => {
    await grant();
    await counted();
    await sql.query(`update grants set state = 'watched'`);
    const users = ['ann', 'ben', 'cat', 'dan'];
    await grant({ user_id: 'ben' });
    for (const user of users) await sql.call('note_places', { tenant: 'ten', spaces: ['spc'], users: [user] });
    expect(await sql.valueOf('count_noted', `${count}, $1`, [limits])).toBe(false);
    expect(await placesOf()).toEqual(['ben']);
    expect(await sql.valueOf('count_noted', `${count}, $1`, [limits])).toBe(true);
    expect(await countRow()).toMatchObject({ users: 1 });
  });
});

describe('place_of_user', () => {
  test.each<[string, Row, boolean]>([
    ['a released grant', {}, true],
    ['a chat grant whose token is being made', { kind: 'chat', state: 'pending' }, true],
    ['a grant that an act is against', { state: 'watched' }, false],
    ['a grant whose session has ended', { session_expires_at: inSeconds(-1) }, false],
    ['a grant for the stage before it was adopted again', { space_id: 'spc_old' }, true],
    ['a grant for the room of the deleted space', { space_id: 'spc_old', kind: 'chat' }, false],
    ['a grant for another space', { space_id: 'spc_free' }, false],
    ['a grant of somebody else', { user_id: 'ben' }, false],
  ])('%s', async (_, row, has) => {
    await counted();
    await grant(row);
    expect((await sql.valueOf('place_of_user', `${count}, 'ann', $1`, [limits])) !== null).toBe(has);
  });
});

describe('end_places', () => {
  test('deletes places whose time is over, three at a time', async () => {
    for (const user of ['a', 'b', 'c', 'd']) await grant({ user_id: user });
    await grant({ user_id: 'ann', session_expires_at: inSeconds(3600) });
    await counted();
    await later(700);
    expect(await sql.valueOf('end_places', `${count}, $1`, [limits])).toBe(false);
    expect(await countRow()).toMatchObject({ users: 2 });
    expect(await sql.valueOf('end_places', `${count}, $1`, [limits])).toBe(true);
    expect(await placesOf()).toEqual(['ann']);
  });
});

describe('wrong_places', () => {
  test('lists who is missing, who is too many and whose time is wrong, but nobody who is noted', async () => {
    await grant();
    await grant({ user_id: 'ben' });
    await counted();
    expect(await sql.rowsOf('wrong_places', `${count}, 10`)).toEqual([]);
    await sql.query(`update grants set session_expires_at = session_expires_at + interval '1 s' where user_id = 'ann';
                     update grants set state = 'refused' where user_id = 'ben'`);
    await grant({ user_id: 'cat' });
    await grant({ user_id: 'dan' });
    await sql.call('note_places', { tenant: 'ten', spaces: ['spc'], users: ['dan'] });
    const rows = await sql.rowsOf<{ user_id: string }>('wrong_places', `${count}, 10`);
    expect(rows.map((row) => row.user_id).sort()).toEqual(['ann', 'ben', 'cat']);
    expect(await sql.rowsOf('wrong_places', `${count}, 2`)).toHaveLength(2);
  });
});

describe('check_count', () => {
  const check = (every = '0 s') => sql.value<number | null>('check_count', { every, limits });

  test('mends a count that is wrong, and says by how many users', async () => {
    await grant();
    await counted();
    await sql.query(`delete from places; update place_counts set users = 7`);
    // One place was missing. The number of users was off by seven after that was mended.
    expect(await check()).toBe(8);
    expect(await countRow()).toMatchObject({ users: 1 });
    expect(await check()).toBe(0);
    expect(await check('1 hour')).toBeNull();
  });

  test('it brings a count towards its end that no newcomer asks for', async () => {
    await grant();
    await sql.rowsOf('users_inside', `${space}, '', $1`, [limits]);
    for (let n = 0; n < 5; n++) await check();
    expect(await countRow()).toMatchObject({ is_filled: true, users: 1 });
  });

  test.each([
    ['is deleted', 'deleted_at = now()'],
    ['has no capacity any more', 'capacity = null'],
  ])('the count of a space that %s ends, and is deleted', async (_, change) => {
    for (const user of ['a', 'b', 'c', 'd']) await grant({ user_id: user });
    await counted();
    await sql.query(`update spaces set ${change} where id = 'spc'`);
    for (let n = 0; n < 4; n++) await check();
    for (const table of ['place_counts', 'places', 'place_notes', 'place_sources']) {
      expect({ table, rows: await sql.query(`select * from ${table}`) }).toEqual({ table, rows: [] });
    }
  });
});

describe('settle_count', () => {
  test('a count with more notes than one step treats stays due', async () => {
    await counted();
    const users = ['a', 'b', 'c', 'd'];
    for (const user of users) await sql.call('note_places', { tenant: 'ten', spaces: ['spc'], users: [user] });
    await sql.query(`update place_counts set checked_at = 'epoch'`);
    expect(await sql.valueOf('settle_count', `${space}, $1`, [limits])).toBe(0);
    expect((await countRow())['checked_at']).toEqual(new Date(0));
    await sql.valueOf('settle_count', `${space}, $1`, [limits]);
    expect((await countRow())['checked_at']).not.toEqual(new Date(0));
  });
});

describe('delete_count', () => {
  test('deletes a part of the rows at a time, and the count last', async () => {
    for (const user of ['a', 'b', 'c', 'd']) await grant({ user_id: user });
    await counted();
    await sql.rowsOf('delete_count', `${count}, 3`);
    expect(await placesOf()).toHaveLength(1);
    await sql.rowsOf('delete_count', `${count}, 3`);
    expect(await sql.query('select from place_counts')).toEqual([]);
  });
});
