/** The functions that decide on several vends in one call, beside `admit`, which decides on each alone. */
import { admissionsOf, answersOf } from '../../../src/joins/group-answer.ts';
import { limits } from '../../../src/limits.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;
let other: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  other = await sql.another();
});
afterAll(async () => {
  await other.stop();
  await sql.stop();
});
beforeEach(async () => {
  await sql.begin();
  await other.begin();
});
afterEach(async () => {
  await other.rollback();
  await sql.rollback();
});

type Row = Record<string, unknown>;

/** A member of a group. */
interface Member {
  nth: number;
  kind: string;
  credential: string;
  caller: object;
  space: string;
  user: string;
  pseudonym: string;
  asked: string | null;
  claimed: string[];
  stage_grant: string | null;
  chat_grant: string | null;
  participant: string;
  staying: string | null;
  entry: string;
  action: string;
  request: string;
}

const perMinute = 3;

function member(nth: number, user: string, changed: Partial<Member> = {}): Member {
  return {
    nth,
    kind: 'apiKey',
    credential: 'key',
    caller: { kind: 'apiKey', id: 'key' },
    space: 'spc',
    user,
    pseudonym: `p-${user}`,
    asked: null,
    claimed: [],
    stage_grant: `grt_s${nth}`,
    chat_grant: `grt_c${nth}`,
    participant: `participant${nth}`,
    staying: null,
    entry: `aud_${nth}`,
    action: 'space.join',
    request: `request-${nth}`,
    ...changed,
  };
}

/** What admit_group answers about these members, and why members leave, by their place. */
async function admitGroup(members: Member[], session = sql) {
  const value = await session.value<{ left: [number, string][] }>('admit_group', {
    tenant: 'ten',
    requests: JSON.stringify(members),
    vendsPerMinute: perMinute,
    limits,
  });
  return { ...admissionsOf(value, members.length), reasons: new Map(value.left) };
}

/** What admit_groups answers about members of tenants: their answers, and why members leave, by tenant. */
async function admitGroups(groups: [string, Member[]][], session = sql) {
  const values: (object | null)[] = await session.value('admit_groups', {
    groups: JSON.stringify(groups.map(([tenant, requests]) => ({ tenant, requests }))),
    vendsPerMinute: perMinute,
    limits,
  });
  expect(values).toHaveLength(groups.length);
  return groups.map(([, members], at) => answersOf(values[at] ?? null, members.length));
}

async function admitAlone(one: Member): Promise<Row> {
  return await sql.value('admit', {
    tenant: 'ten',
    callerKind: one.kind,
    credential: one.credential,
    caller: one.caller,
    space: one.space,
    user: one.user,
    pseudonym: one.pseudonym,
    roleAsked: one.asked,
    rolesClaimed: one.claimed,
    stageGrant: one.stage_grant,
    chatGrant: one.chat_grant,
    participant: one.participant,
    staying: one.staying,
    auditEntry: one.entry,
    outrankedEntry: `${one.entry}_outranked`,
    auditAction: one.action,
    request: one.request,
    vendsPerMinute: perMinute,
    limits,
    olderAction: `act_${one.entry}`,
    olderEntry: `${one.entry}_older`,
    repeats: [],
  });
}

/** Runs a call and undoes it. Returns what it returned, and what it wrote: times are relative to that of the grant. */
async function undone<T>(call: () => Promise<T>): Promise<{ result: T; written: Row[] }> {
  await sql.query('savepoint before_call');
  const result = await call();
  const written = await sql.query(
    `select to_jsonb(g) - '{turn,issued_at,checked_at,expires_at,session_expires_at}'::text[] || jsonb_build_object(
              'expires', g.expires_at - g.issued_at, 'ends', g.session_expires_at - g.issued_at,
              'isNow', g.issued_at > now() - interval '1 minute') as row
       from grants as g where id ~ '^grt_[sc]\\d'
      union all select to_jsonb(v) - 'at' from unsealed_groups as g, vends_of_group(g) as v
      union all select to_jsonb(a) - 'at' from audit as a order by 1`,
  );
  await sql.query('rollback to savepoint before_call');
  return { result, written };
}

/** Numbers that look random, and are the same for the same seed (mulberry32). */
class Chance {
  constructor(private seed: number) {}

  next(): number {
    this.seed = (this.seed + 0x6d2b79f5) | 0;
    let t = Math.imul(this.seed ^ (this.seed >>> 15), 1 | this.seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** True once in so many times. */
  onceIn(times: number): boolean {
    return this.next() < 1 / times;
  }

  of<T>(...choices: T[]): T {
    return choices[Math.floor(this.next() * choices.length)] as T;
  }
}

const users = ['ann', 'ben', 'cleo', 'dan', 'eve', 'fay'];

/** Fills the tables with a situation, and returns the members of a group. */
async function situation(chance: Chance): Promise<Member[]> {
  const isPlain = chance.onceIn(2);
  const now = { tenant_id: 'ten' };
  await sql.insert('tenants', {
    id: 'ten',
    ivs_user_ids: chance.of('plain', 'pseudonym'),
    status: chance.onceIn(20) ? 'suspended' : 'active',
  });
  for (const [name, rank] of [
    ['host', 30],
    ['mod', 20],
    ['viewer', 10],
  ] as const) {
    await sql.insert('roles', {
      ...now,
      name,
      rank,
      moderator: name !== 'viewer' && chance.onceIn(2),
      ...(chance.onceIn(6) && { stage_ttl_seconds: null }),
      ...(chance.onceIn(6) && { chat_session_minutes: null }),
      attributes: { badge: name },
    });
  }
  for (const id of ['spc', 'spc_b']) {
    await sql.insert('spaces', {
      ...now,
      id,
      room_arn: chance.onceIn(5) ? null : `room-${id}`,
      ...(chance.onceIn(5) && { stage_arn: null }),
      default_role: chance.of('viewer', 'viewer', 'mod', null),
      capacity: chance.onceIn(6) ? 1 : null,
      status: chance.onceIn(10) ? 'closed' : 'open',
      ...(chance.onceIn(8) && { frozen_at: inSeconds(-1) }),
      ...(chance.onceIn(15) && { deleted_at: inSeconds(-1) }),
    });
  }
  await sql.insert('api_keys', { ...now, id: 'key', ...(chance.onceIn(15) && { revoked_at: inSeconds(-1) }) });
  await sql.insert('issuers', { ...now, id: 'iss', version: 2 });
  if (!chance.onceIn(3)) {
    await sql.insert('signing_keys', { ...now, id: 'sgk', state: chance.of('active', 'active', 'retiring') });
  }
  await sql.insert('actions', { ...now, id: 'act' });
  if (chance.onceIn(5)) {
    const against = chance.of({ user_id: 'ann' }, { space_id: 'spc' }, { user_id: 'ben', space_id: 'spc_b' });
    await sql.insert('actions', { ...now, id: 'act_long', ...against });
    await sql.insert('unfinished_actions', { ...now, action_id: 'act_long' });
  }
  for (const user_id of users) {
    const participant_id = `here-${user_id}`;
    const before = { space_id: 'spc', mint: chance.of('ivs', 'key-pair'), participant_id, issued_at: inSeconds(-61) };
    await sql.insert('grants', { ...now, user_id, ...before });
    if (!isPlain) await putPast(chance, { ...now, user_id });
  }
  const askers = chance.onceIn(3) ? [...users, chance.of(...users)] : users;
  return askers.map((user, nth) => {
    const isUser = chance.onceIn(2);
    const kinds = chance.of({}, {}, { stage_grant: null }, { chat_grant: null });
    return member(nth, user, {
      ...(isUser && {
        kind: 'user',
        credential: chance.onceIn(10) ? 'iss.1' : 'iss.2',
        caller: { kind: 'user', id: user },
        claimed: chance.of([], ['host'], ['viewer', 'mod'], ['none']),
      }),
      ...(!isUser && { asked: chance.of('host', 'viewer', null, 'king') }),
      space: chance.of('spc', 'spc_b', ...(chance.onceIn(5) ? ['spc_gone'] : [])),
      ...kinds,
      ...(chance.onceIn(3) && { staying: `here-${user}` }),
    });
  });
}

/** What happened to a user before: bans, a role, grants, a call that disconnects them. */
async function putPast(chance: Chance, user: Row): Promise<void> {
  const space_id = chance.of('spc', 'spc_b');
  if (chance.onceIn(5)) {
    const ended = chance.of({}, {}, { lifted_at: inSeconds(-1) }, { expires_at: inSeconds(-1) });
    await sql.insert('bans', {
      ...user,
      ...ended,
      space_id: chance.of(space_id, null),
      by_rank: chance.of(null, 20, 40),
    });
  }
  if (chance.onceIn(3)) {
    await sql.insert('members', { ...user, space_id, role: chance.of('host', 'viewer'), by_rank: chance.of(null, 25) });
  }
  const vends = chance.of(0, 0, 1, 2, 3);
  for (let n = 0; n < vends; n++) {
    await sql.insert('grants', {
      ...user,
      space_id,
      kind: chance.of('stage', 'chat'),
      issued_at: inSeconds(chance.of(-10, -10, -61)),
    });
  }
  if (chance.onceIn(8)) {
    await sql.insert('deliveries', {
      tenant_id: 'ten',
      action_id: 'act',
      space_id,
      operation: 'DisconnectUser',
      arn: `room-${space_id}`,
      target: chance.of(String(user['user_id']), `p-${String(user['user_id'])}`),
      state: chance.of('pending', 'stuck', 'done'),
    });
  }
}

/** An answer without what differs from call to call. */
function timeless(answer: object): object {
  return 'issuedAt' in answer ? { ...answer, issuedAt: 'now' } : answer;
}

/** A tenant with an open space, an API key, and a role that everybody has. */
async function putPlain(tenant_id = 'ten'): Promise<void> {
  await sql.insert('tenants', { id: tenant_id });
  await sql.insert('roles', { tenant_id, name: 'viewer' });
  await sql.insert('spaces', { tenant_id, id: 'spc', default_role: 'viewer' });
  await sql.insert('spaces', { tenant_id, id: 'spc_b', default_role: 'viewer' });
  await sql.insert('api_keys', { tenant_id, id: 'key' });
}

const inOrder = (rows: Row[]) => rows.map(({ row }) => JSON.stringify(row)).sort();

describe('admit_group, admit_groups and admit alone', () => {
  /** What came of the members of a tenant with several in the call. */
  const seen = new Map<string, number>();
  /** What came of those who were the only one of their tenant in the call. */
  const seenOfOnes = new Map<string, number>();
  const count = (counts: Map<string, number>, what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);

  /** Others whose tenant is plain, so that they are admitted whatever the situation of the first tenant. */
  const others = [member(0, 'ann'), member(1, 'ben', { space: 'spc_b' })];

  /** Lets admit_groups decide on one member between those of another tenant, and compares it with what admit did. */
  async function compareOne(seed: number, one: Member, alone: { result: Row; written: Row[] }): Promise<void> {
    const { result, written } = await undone(() =>
      admitGroups([
        ['ten_b', others],
        ['ten', [one]],
        ['ten_c', [member(0, 'ann', { space: 'spc_b' })]],
      ]),
    );
    const [before, mine, after] = result;
    expect([...(before?.answers ?? []), ...(after?.answers ?? [])]).toEqual(
      Array.from({ length: 3 }, () => ({ admission: expect.objectContaining({ used: 1 }) })),
    );
    const answer = mine?.answers[0];
    const rows = written.filter(({ row }) => (row as Row)['tenant_id'] === 'ten');
    expect(written.length - rows.length).toBe(3 * 3); // two grants and what the audit entry says
    if (!answer) {
      count(seenOfOnes, String(mine?.left));
      expect({ seed, one, rows }).toEqual({ seed, one, rows: [] });
      return;
    }
    count(seenOfOnes, 'refused' in answer ? answer.refused.refused : 'admitted');
    const value = 'refused' in answer ? answer.refused : answer.admission;
    expect({ seed, one, answer: timeless(value) }).toEqual({ seed, one, answer: timeless(alone.result) });
    expect({ seed, rows: inOrder(rows) }).toEqual({ seed, rows: inOrder(alone.written) });
  }

  test.each(Array.from({ length: 8 }, (_, part) => part))('decide alike (part %d)', async (part) => {
    for (let seed = part * 10; seed < part * 10 + 10; seed++) {
      await sql.query('savepoint situation');
      const members = await situation(new Chance(seed));
      for (const tenant of ['ten_b', 'ten_c']) await putPlain(tenant);
      const { result: group, written } = await undone(() => admitGroup(members));
      const expected: Row[] = [];
      for (const one of members) {
        const admission = group.admissions[one.nth];
        const reason = admission ? 'admitted' : (group.reasons.get(one.nth) ?? 'lock');
        count(seen, reason);
        const alone = await undone(() => admitAlone(one));
        await compareOne(seed, one, alone);
        if (!admission) continue;
        expect({ seed, one, answer: timeless(admission) }).toEqual({ seed, one, answer: timeless(alone.result) });
        expected.push(...alone.written);
        if (one.staying !== null && admission.participantId === one.staying) seen.set('stays', 1);
      }
      expect({ seed, rows: inOrder(written) }).toEqual({ seed, rows: inOrder(expected) });
      await sql.query('rollback to savepoint situation');
    }
  });

  test('in situations of every kind', () => {
    expect([...seen.keys()].sort()).toEqual(
      [
        'admitted',
        'ban',
        'capacity',
        'credential',
        'disconnecting',
        'lock',
        'member',
        'nothing_to_give',
        'rate',
        'role',
        'space',
        'stays',
        'tenant',
      ].sort(),
    );
    expect(seen.get('admitted')).toBeGreaterThan(100);
    expect([...seenOfOnes.keys()].sort()).toEqual(
      [
        'admitted',
        'ban',
        'banned',
        'capacity',
        'credential',
        'disconnecting',
        'member',
        'nothing_to_give',
        'rate',
        'role_none',
        'role_unknown',
        'space_closed',
        'space_frozen',
        'space_unknown',
        'tenant_suspended',
      ].sort(),
    );
    expect(seenOfOnes.get('admitted')).toBeGreaterThan(100);
  });
});

describe('admit_group', () => {
  beforeEach(() => putPlain());

  const four = [
    member(0, 'ann'),
    member(1, 'ben'),
    member(2, 'cleo', { space: 'spc_b' }),
    member(3, 'dan', { space: 'spc_b' }),
  ];

  async function admitted(members = four): Promise<boolean[]> {
    return (await admitGroup(members)).admissions.map((one) => one !== undefined);
  }

  test.each<[string, () => Promise<unknown>, boolean[]]>([
    ['nobody', async () => undefined, [true, true, true, true]],
    [
      'a ban of one of them',
      () => other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: true }),
      [false, true, true, true],
    ],
    [
      'another vend to one of them',
      () => other.call('lock_user', { tenant: 'ten', user: 'ben', exclusive: false }),
      [true, false, true, true],
    ],
    [
      'the freezing of a space',
      () => other.call('lock_space', { tenant: 'ten', space: 'spc_b', exclusive: true }),
      [true, true, false, false],
    ],
    [
      'another vend into a space',
      () => other.call('lock_space', { tenant: 'ten', space: 'spc', exclusive: false }),
      [true, true, true, true],
    ],
    [
      'a ban of the same user at another tenant',
      () => other.call('lock_user', { tenant: 'ten_other', user: 'ann', exclusive: true }),
      [true, true, true, true],
    ],
  ])('waits for no lock of %s, and lets in the others', async (_, lock, expected) => {
    await lock();
    expect(await sql.hasToWait(async () => expect(await admitted()).toEqual(expected))).toBe(false);
    const granted = await sql.query('select distinct user_id from grants order by 1');
    expect(granted.map(({ user_id: user }) => user)).toEqual(
      four.filter((_one, nth) => expected[nth]).map(({ user }) => user),
    );
  });

  test('keeps bans of its users and freezings of its spaces waiting until it ends, and nobody else', async () => {
    await admitGroup(four.slice(0, 2));
    const waits = (name: string, args: Row) => other.hasToWait(() => other.call(name, { tenant: 'ten', ...args }));
    expect(await waits('lock_user', { user: 'ann', exclusive: true })).toBe(true);
    expect(await waits('lock_space', { space: 'spc', exclusive: true })).toBe(true);
    expect(await waits('lock_user', { user: 'cleo', exclusive: true })).toBe(false);
    expect(await waits('lock_space', { space: 'spc_b', exclusive: true })).toBe(false);
  });

  test('two groups at once do not pass the rate of a user together', async () => {
    for (let n = 1; n < perMinute; n++)
      await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', issued_at: inSeconds(-5) });
    await sql.commit();
    try {
      await sql.begin();
      const again = four.map((one) => ({
        ...one,
        stage_grant: `${one.stage_grant}b`,
        chat_grant: `${one.chat_grant}b`,
        entry: `${one.entry}b`,
      }));
      expect(await admitted()).toEqual([true, true, true, true]);
      // The first group is not committed yet: the second cannot see its grants.
      expect((await admitGroup(again, other)).admissions.map((one) => one !== undefined)).toEqual(Array(4).fill(false));
      await sql.commit();
      await other.rollback();
      await other.begin();
      expect((await admitGroup(again, other)).reasons).toEqual(new Map([[0, 'rate']]));
    } finally {
      await other.rollback();
      await sql.begin();
      for (const table of ['grants', 'unsealed_groups', 'api_keys', 'spaces', 'roles', 'tenants'])
        await sql.query(`delete from ${table}`);
      await sql.commit();
      await other.begin();
      await sql.begin();
    }
  });

  test('takes one request of a user, the first', async () => {
    expect(await admitted([member(0, 'ann'), member(1, 'ben'), member(2, 'ann')])).toEqual([true, true, false]);
  });

  test('works for the service, inside its tenant alone', async () => {
    await sql.insert('tenants', { id: 'ten_other' });
    await sql.insert('bans', { tenant_id: 'ten_other', user_id: 'ann' });
    await sql.becomeService();
    expect(await admitted()).toEqual([true, true, true, true]);
  });

  test('admits nobody into a tenant that is not there', async () => {
    const answer = await sql.value('admit_group', {
      tenant: 'ten_gone',
      requests: JSON.stringify(four),
      vendsPerMinute: perMinute,
      limits,
    });
    expect(admissionsOf(answer, 4)).toEqual({ admissions: Array(4).fill(undefined), left: expect.any(Array) });
  });
});

describe('admit_groups', () => {
  beforeEach(async () => {
    for (const tenant of ['ten', 'ten_b', 'ten_c']) await putPlain(tenant);
  });

  const ann = member(0, 'ann');
  const ben = member(1, 'ben');
  const admitted = { admission: expect.objectContaining({ ivsUserId: expect.any(String) }) };
  const granted = async () =>
    (await sql.query('select distinct tenant_id, user_id from grants order by 1, 2')).map(
      ({ tenant_id: tenant, user_id: user }) => `${String(tenant)} ${String(user)}`,
    );

  test('shows the rows of one tenant at a time: what holds in one means nothing in another', async () => {
    await sql.insert('bans', { tenant_id: 'ten', user_id: 'ann' });
    await sql.query(`update spaces set frozen_at = now() where tenant_id = 'ten_b' and id = 'spc_b'`);
    await sql.insert('spaces', { tenant_id: 'ten_b', id: 'spc_of_b', default_role: 'viewer' });
    await sql.insert('grants', { tenant_id: 'ten_b', space_id: 'spc', issued_at: inSeconds(-5) });
    await sql.becomeService();
    const answers = await admitGroups([
      ['ten', [ann, ben, member(2, 'cleo', { space: 'spc_b' }), member(3, 'dan', { space: 'spc_of_b' })]],
      ['ten_b', [ann, member(1, 'eve', { space: 'spc_b' }), member(2, 'dan', { space: 'spc_of_b' })]],
      ['ten_c', [member(0, 'dan', { space: 'spc_of_b' })]],
      ['ten_gone', [ann]],
    ]);
    expect(answers).toEqual([
      { answers: [undefined, admitted, admitted, undefined], left: expect.arrayContaining(['ban', 'space']) },
      { answers: [{ admission: expect.objectContaining({ used: 2 }) }, undefined, admitted], left: ['space'] },
      { answers: [{ refused: { refused: 'space_unknown' } }], left: [] },
      { answers: [{ refused: { refused: 'credential' } }], left: [] },
    ]);
    // It has left the last tenant, which has no rows.
    expect(await sql.query('select from grants')).toEqual([]);
    await sql.query('reset role');
    expect(await granted()).toEqual(['ten ben', 'ten cleo', 'ten_b ann', 'ten_b dan']);
    const entries = await sql.query('select tenant_id, count(*)::int from unsealed_groups group by 1 order by 1');
    expect(entries).toEqual([
      { tenant_id: 'ten', count: 1 },
      { tenant_id: 'ten_b', count: 1 },
    ]);
  });

  test.each<[string, Member[]]>([
    ['several vends', [ann, member(1, 'poison')]],
    ['one vend', [member(0, 'poison')]],
  ])(
    'an error of a tenant with %s undoes its vends, frees its locks, and reaches no other tenant',
    async (_, vends) => {
      await sql.query(`
      create function strike() returns trigger language plpgsql as $$
      begin
        if new.user_id = 'poison' then raise exception 'a poisoned row'; end if;
        return new;
      end $$;
      create trigger strike before insert on grants for each row execute function strike()`);
      const answers = await admitGroups([
        ['ten', [ann, ben]],
        ['ten_b', vends],
        ['ten_c', [ann]],
      ]);
      expect(answers).toEqual([
        { answers: [admitted, admitted], left: [] },
        { answers: [], left: vends.map(() => 'failed') },
        { answers: [admitted], left: [] },
      ]);
      expect(await granted()).toEqual(['ten ann', 'ten ben', 'ten_c ann']);
      const bans = (tenant: string, user: string) =>
        other.hasToWait(() => other.call('lock_user', { tenant, user, exclusive: true }));
      for (const { user } of vends) expect(await bans('ten_b', user)).toBe(false);
      expect(await bans('ten', 'ann')).toBe(true);
      expect(await bans('ten_c', 'ann')).toBe(true);
      // The trigger holds the table.
      await sql.rollback();
      await sql.begin();
    },
  );

  test('waits for no lock of a tenant, and lets in the others', async () => {
    await other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: true });
    await other.call('lock_space', { tenant: 'ten_b', space: 'spc', exclusive: true });
    await other.call('lock_user', { tenant: 'ten_c', user: 'ben', exclusive: false });
    const answers = await admitGroups([
      ['ten', [ann, ben]],
      ['ten_b', [ann]],
      ['ten_c', [ben]],
    ]);
    expect(answers).toEqual([
      { answers: [undefined, admitted], left: ['lock'] },
      { answers: [undefined], left: ['lock'] },
      { answers: [undefined], left: ['lock'] },
    ]);
    expect(await granted()).toEqual(['ten ben']);
  });
});

describe('admit_one', () => {
  beforeEach(() => putPlain());

  const admitOne = (one: Member, session = sql) =>
    session.value<Row>('admit_one', {
      tenant: 'ten',
      requests: JSON.stringify([one]),
      vendsPerMinute: perMinute,
      limits,
    });

  test('takes the locks of its user and its space until the transaction ends', async () => {
    expect(await admitOne(member(0, 'ann'))).toEqual({ decision: expect.objectContaining({ ivsUserId: 'ann' }) });
    const waits = (name: string, args: Row) => other.hasToWait(() => other.call(name, { tenant: 'ten', ...args }));
    expect(await waits('lock_user', { user: 'ann', exclusive: false })).toBe(true);
    expect(await waits('lock_space', { space: 'spc', exclusive: true })).toBe(true);
    expect(await waits('lock_space', { space: 'spc', exclusive: false })).toBe(false);
    expect(await waits('lock_user', { user: 'ben', exclusive: true })).toBe(false);
  });

  test('leaves a vend whose user another vend is under way to, and counts with the lock', async () => {
    await other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: false });
    expect(await admitOne(member(0, 'ann'))).toEqual({ left: 'lock' });
    for (let n = 0; n < perMinute; n++)
      await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', user_id: 'ben', issued_at: inSeconds(-5) });
    expect(await admitOne(member(0, 'ben'))).toEqual({
      decision: { refused: 'rate', retryAfterSeconds: expect.any(Number) },
    });
  });

  test('gives a participant who is on the stage a token of their own', async () => {
    const here = {
      mint: 'key-pair',
      participant_id: 'here',
      issued_at: inSeconds(-70),
      session_expires_at: inSeconds(600),
    };
    await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...here });
    const stays = await admitOne(member(0, 'ann', { staying: 'here' }));
    expect(stays).toMatchObject({ decision: { participantId: 'here' } });
    const foreign = await admitOne(member(1, 'ben', { staying: 'here' }));
    expect(foreign).toMatchObject({ decision: { participantId: 'participant1' } });
  });
});

/** Arguments for the functions that get the row of the tenant: the locks of the spaces and of all users are held. */
function under(members: Member[], spaces: string[]): [string, unknown[]] {
  const args = `(select t from public.tenants as t where id = 'ten'), $1, $2, $3`;
  return [args, [JSON.stringify(members), spaces, members.map(({ user }) => user)]];
}

describe('standings', () => {
  beforeEach(() => putPlain());

  /** What stands there, the request, and which check is not plain. */
  test.each<[string, [string, Row][], Partial<Member>, string | null]>([
    ['the plain case', [], {}, null],
    ['a suspended tenant', [], {}, 'tenant'],
    ['a credential that was revoked', [], { credential: 'key_gone' }, 'credential'],
    ['a space that is not there', [], { space: 'spc_gone' }, 'space'],
    ['a ban elsewhere in the tenant', [['bans', { space_id: 'spc_b' }]], {}, 'ban'],
    ['a ban that was kept when the user was erased', [['bans', { user_id: 'erased:p-ann' }]], {}, 'ban'],
    [
      'a member row that does not bind',
      [['members', { space_id: 'spc', role: 'viewer', by_rank: 0 }]],
      { claimed: ['viewer'] },
      'member',
    ],
    ['a member row that binds', [['members', { space_id: 'spc', role: 'viewer' }]], {}, null],
    [
      'a member row beside the role that the key names',
      [['members', { space_id: 'spc', role: 'viewer', by_rank: 0 }]],
      { asked: 'viewer' },
      null,
    ],
    ['a role that is not there', [], { asked: 'king' }, 'role'],
  ])('knows %s', async (what, rows, changed, leaves) => {
    for (const [table, row] of rows) await sql.insert(table, { tenant_id: 'ten', ...row });
    if (what === 'a suspended tenant') await sql.query(`update tenants set status = 'suspended'`);
    const [found] = await sql.rowsOf('standings', ...under([member(0, 'ann', changed)], ['spc', 'spc_gone']));
    expect(found).toMatchObject({ nth: 0, leaves });
    expect(found?.['space']).toEqual(leaves === 'space' ? null : expect.stringContaining('spc'));
  });

  test('leaves out who has no lock', async () => {
    const found = await sql.rowsOf('standings', `(select t from public.tenants as t), $1, '{spc}', '{ann,ben}'`, [
      JSON.stringify([member(0, 'ann'), member(1, 'ben', { space: 'spc_b' }), member(2, 'cleo')]),
    ]);
    expect(found.map(({ nth }) => nth)).toEqual([0]);
  });
});

describe('planned_vends', () => {
  beforeEach(() => putPlain());

  test.each<[string, Partial<Member>, Row, Row]>([
    ['both halves', {}, {}, { stage_grant: 'grt_s0', chat_grant: 'grt_c0' }],
    ['what is asked for', { chat_grant: null }, {}, { stage_grant: 'grt_s0', chat_grant: null }],
    ['what the role allows', {}, { stage_ttl_seconds: null }, { stage_grant: null, chat_grant: 'grt_c0' }],
  ])('plans %s', async (_, changed, role, halves) => {
    await sql.insert('roles', { tenant_id: 'ten', name: 'host', ...role });
    const [planned] = await sql.rowsOf(
      'planned_vends',
      ...under([member(0, 'ann', { asked: 'host', ...changed })], ['spc']),
    );
    expect(planned).toMatchObject({ ...halves, user_id: 'ann', ivs_user: 'ann' });
    expect(planned?.['vend']).toEqual({
      nth: 0,
      tenant_id: 'ten',
      id: 'aud_0',
      caller: { kind: 'apiKey', id: 'key' },
      action: 'space.join',
      space_id: 'spc',
      user_id: 'ann',
      ivs_user: 'ann',
      role: 'host',
      participant: 'participant0',
      request_id: 'request-0',
      ...halves,
    });
  });
});

describe('decide_group', () => {
  beforeEach(() => putPlain());
  const disconnect = { operation: 'DisconnectUser', arn: 'room', target: 'ann', space_id: 'spc', action_id: 'act' };

  test.each<[string, [string, Row][], Partial<Member>, string | null]>([
    ['the plain case', [], {}, null],
    ['what standings knows', [['bans', {}]], {}, 'ban'],
    ['a vend of nothing', [], { stage_grant: null, chat_grant: null }, 'nothing_to_give'],
    [
      'a space with a capacity',
      [['spaces', { id: 'spc_full', capacity: 5, default_role: 'viewer' }]],
      { space: 'spc_full' },
      'capacity',
    ],
    ['a call that disconnects the user', [['deliveries', disconnect]], {}, 'disconnecting'],
    ['such a call for a vend without chat', [['deliveries', disconnect]], { chat_grant: null }, null],
    ['an act against the user that goes on', [['unfinished_actions', { action_id: 'act' }]], {}, 'disconnecting'],
    [
      'the last vend of a minute',
      [
        ['grants', {}],
        ['grants', {}],
      ],
      {},
      null,
    ],
    [
      'one vend more than those of a minute',
      [
        ['grants', {}],
        ['grants', {}],
        ['grants', {}],
      ],
      {},
      'rate',
    ],
  ])('knows %s', async (_, rows, changed, leaves) => {
    await sql.query(`update spaces set room_arn = 'room' where id = 'spc'`);
    await sql.insert('actions', { tenant_id: 'ten', id: 'act', user_id: 'ann' });
    for (const [table, row] of rows) {
      const grant = table === 'grants' && { space_id: 'spc', issued_at: inSeconds(-5) };
      await sql.insert(table, { tenant_id: 'ten', ...grant, ...row });
    }
    const [args, values] = under([member(0, 'ann', changed)], ['spc', 'spc_full']);
    const [decided] = await sql.rowsOf('decide_group', `${args}, ${perMinute}, $4`, [...values, limits]);
    expect(decided).toMatchObject({ leaves });
    if (leaves === null) {
      const used = rows.filter(([table]) => table === 'grants').length + 1;
      expect(decided).toMatchObject({ vend: { used } });
    }
  });
});

describe('why_alone', () => {
  beforeEach(() => putPlain());
  const disconnect = { operation: 'DisconnectUser', arn: 'room', target: 'ann', space_id: 'spc', action_id: 'act' };

  test.each<[string, [string, Row][], Partial<Member>, string | null]>([
    ['the plain case', [], {}, null],
    ['a space with a capacity', [], { space: 'spc_full' }, 'capacity'],
    ['a ban that does not bind the user', [['bans', { by_rank: 0 }]], { asked: 'viewer' }, 'ban'],
    ['such a ban elsewhere', [['bans', { by_rank: 0, space_id: 'spc_b' }]], { asked: 'viewer' }, null],
    ['such a ban of a user who has no rank', [['bans', { by_rank: 0 }]], {}, null],
    ['a ban that binds, which the decision sees', [['bans', {}]], { asked: 'viewer' }, null],
    [
      'a member row that does not bind',
      [['members', { space_id: 'spc', role: 'viewer', by_rank: 0 }]],
      { claimed: ['viewer'] },
      'member',
    ],
    ['a member row that binds', [['members', { space_id: 'spc', role: 'viewer' }]], { claimed: ['viewer'] }, null],
    [
      'a member row beside the role that the key names',
      [['members', { space_id: 'spc', role: 'viewer', by_rank: 0 }]],
      { asked: 'viewer' },
      null,
    ],
    ['a call that disconnects the user', [['deliveries', disconnect]], {}, 'disconnecting'],
    ['such a call for a vend without chat', [['deliveries', disconnect]], { chat_grant: null }, null],
    ['such a call against somebody else', [['deliveries', { ...disconnect, target: 'ben' }]], {}, null],
  ])('knows %s', async (_, rows, changed, leaves) => {
    await sql.query(`update spaces set room_arn = 'room' where id = 'spc'`);
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_full', capacity: 5 });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act', user_id: 'ann' });
    for (const [table, row] of rows) await sql.insert(table, { tenant_id: 'ten', ...row });
    const one = member(0, 'ann', changed);
    const args = `(select t from public.tenants as t), (select s from public.spaces as s where id = $1),
       (select r from public.roles as r where name = 'viewer'), $2, $3, $4, $5, $6, $7`;
    const { space, user, pseudonym, asked, claimed, chat_grant } = one;
    const rank = asked === null && claimed.length === 0 ? null : 0;
    const values = [space, rank, user, pseudonym, asked === null ? claimed : null, chat_grant !== null, limits];
    expect(await sql.valueOf('why_alone', args, values)).toBe(leaves);
  });
});

describe('vend_requests', () => {
  test('reads what the service sends', async () => {
    const one = member(3, 'ann', { asked: 'host', claimed: ['a', 'b'], chat_grant: null });
    expect(await sql.call('vend_requests', { requests: JSON.stringify([one]) })).toEqual([one]);
  });
});

describe('group_answer', () => {
  test('has nothing of a tenant in which nobody is admitted', async () => {
    const args = `null, null, null, null, null, null, '[[0, "ban"]]'`;
    expect(await sql.valueOf('group_answer', args)).toEqual({
      tenant: null,
      issuedAt: null,
      signingKey: null,
      spaces: [],
      roles: [],
      vends: [],
      left: [[0, 'ban']],
    });
  });

  test('has each space and each role once', async () => {
    await putPlain();
    await sql.insert('roles', {
      tenant_id: 'ten',
      name: 'silent',
      chat_session_minutes: null,
      stage_ttl_seconds: null,
    });
    const answer = await sql.valueOf<{ spaces: Row[]; roles: Row[] }>(
      'group_answer',
      `(select t from public.tenants as t), array(select s from public.spaces as s where id = 'spc'),
       array(select r from public.roles as r order by name), null, now(), '[]', null`,
    );
    expect(answer.spaces).toEqual([
      {
        id: 'spc',
        name: 'A space',
        roomArn: expect.any(String),
        stage: expect.objectContaining({ endpoints: expect.any(Object) }),
      },
    ]);
    expect(answer.roles).toEqual([
      { name: 'silent', attributes: {}, clientAttributes: [], stage: null, chat: null },
      expect.objectContaining({ name: 'viewer', chat: { capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 } }),
    ]);
  });
});

describe('settle_group', () => {
  const times = { expiresAt: '2999-01-01T00:00:00Z', sessionExpiresAt: '2999-01-01T01:00:00Z' };
  const people = ['ann', 'ben', 'cleo'];

  beforeEach(async () => {
    await putPlain();
    for (const user_id of people) {
      for (const kind of ['stage', 'chat']) {
        const row = { tenant_id: 'ten', id: `${kind}-${user_id}`, space_id: 'spc', user_id, kind, state: 'pending' };
        await sql.insert('grants', { ...row, mint: null, participant_id: null });
      }
    }
  });

  function made(user: string): object[] {
    return [
      { id: `stage-${user}`, mint: 'ivs', participantId: `p-${user}`, ...times },
      { id: `chat-${user}`, ...times },
    ];
  }

  async function settleGroup(session = sql): Promise<{ settled: number[]; left: [number, string][] }> {
    const requests = people.map((user, nth) => ({ ...member(nth, user), made: made(user) }));
    return await session.value('settle_group', { tenant: 'ten', requests: JSON.stringify(requests) });
  }

  const rows = () =>
    sql.query(
      `select to_jsonb(g) - 'checked_at' as row, checked_at > issued_at as is_checked from grants as g order by id`,
    );

  test('records what settle records for each alone', async () => {
    await sql.query('savepoint before_group');
    expect(await settleGroup()).toEqual({ settled: expect.arrayContaining([0, 1, 2]), left: [] });
    const together = await rows();
    await sql.query('rollback to before_group');
    for (const user of people) {
      const args = { tenant: 'ten', callerKind: 'apiKey', credential: 'key', user, space: 'spc', roleAsked: null };
      const what = {
        rolesClaimed: [],
        grants: [`stage-${user}`, `chat-${user}`],
        made: JSON.stringify(made(user)),
        failed: [],
        pseudonym: `p-${user}`,
        limits,
      };
      expect(await sql.value('settle', { ...args, ...what })).toBeNull();
    }
    expect(together).toEqual(await rows());
    expect(together[0]).toMatchObject({ row: { state: 'released', expires_at: expect.stringContaining('2999') } });
  });

  test.each<[string, string, unknown]>([
    [
      'was banned',
      `insert into bans (tenant_id, id, user_id, created_by) values ('ten', 'b', 'ben', '{}')`,
      [[1, 'ban']],
    ],
    ['has a grant that was swept', `update grants set state = 'refused' where id = 'chat-ben'`, []],
    ['has a grant that an act holds', `update grants set state = 'watched' where id = 'stage-ben'`, []],
  ])('leaves alone, as it is, the vend of a user who %s', async (_, change, left) => {
    await sql.query(change);
    const before = await sql.query(`select * from grants where user_id = 'ben' order by id`);
    const answer = await settleGroup();
    expect({ ...answer, settled: answer.settled.toSorted((a, b) => a - b) }).toEqual({ settled: [0, 2], left });
    expect(await sql.query(`select * from grants where user_id = 'ben' order by id`)).toEqual(before);
    expect(await sql.query(`select from grants where state = 'released'`)).toHaveLength(4);
  });

  test('refuses nobody, and leaves a frozen space to settle', async () => {
    await sql.query(`update spaces set frozen_at = now()`);
    expect(await settleGroup()).toEqual({
      settled: [],
      left: expect.arrayContaining(people.map((_, nth) => [nth, 'space'])),
    });
    expect(await sql.query(`select from grants where state <> 'pending'`)).toEqual([]);
  });

  test('waits for no ban', async () => {
    await other.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: true });
    expect(
      await sql.hasToWait(async () => expect((await settleGroup()).settled.toSorted((a, b) => a - b)).toEqual([1, 2])),
    ).toBe(false);
  });
});

describe('settle_groups', () => {
  const times = { expiresAt: '2999-01-01T00:00:00Z', sessionExpiresAt: '2999-01-01T01:00:00Z' };
  const tenants = ['ten', 'ten_b', 'ten_c'];

  beforeEach(async () => {
    for (const tenant of tenants) {
      await putPlain(tenant);
      for (const user_id of ['ann', 'ben']) {
        const row = { tenant_id: tenant, id: `stage-${user_id}`, space_id: 'spc', user_id, state: 'pending' };
        await sql.insert('grants', { ...row, mint: null, participant_id: null });
      }
    }
  });

  function ending(nth: number, user: string): Member & { made: object[] } {
    return { ...member(nth, user), made: [{ id: `stage-${user}`, mint: 'ivs', participantId: `p-${user}`, ...times }] };
  }

  async function settleGroups(): Promise<unknown[]> {
    const groups = tenants.map((tenant, at) => ({
      tenant,
      requests: at === 1 ? [ending(0, 'ann')] : [ending(0, 'ann'), ending(1, 'ben')],
    }));
    return await sql.value('settle_groups', { groups: JSON.stringify(groups) });
  }

  async function released(): Promise<string[]> {
    const rows = await sql.query(
      `select tenant_id, user_id from grants
        where state = 'released' and participant_id = 'p-' || user_id and expires_at > '2998-01-01' order by 1, 2`,
    );
    return rows.map(({ tenant_id: tenant, user_id: user }) => `${String(tenant)} ${String(user)}`);
  }

  test('releases those who are plainly allowed, inside their tenant alone', async () => {
    await sql.insert('bans', { tenant_id: 'ten', user_id: 'ann' });
    await sql.becomeService();
    expect(await settleGroups()).toEqual([
      { settled: [1], left: [[0, 'ban']] },
      { settled: [0], left: [] },
      { settled: expect.arrayContaining([0, 1]), left: [] },
    ]);
    await sql.query('reset role');
    expect(await released()).toEqual(['ten ben', 'ten_b ann', 'ten_c ann', 'ten_c ben']);
  });

  test.each(['ten', 'ten_b'])('an error of the tenant %s undoes its vends alone', async (struck) => {
    await sql.query(`
      create function strike() returns trigger language plpgsql as $$
      begin
        if new.tenant_id = '${struck}' then raise exception 'a poisoned row'; end if;
        return new;
      end $$;
      create trigger strike before update on grants for each row execute function strike()`);
    const answers = await settleGroups();
    expect(answers.map((one) => one === null)).toEqual(tenants.map((tenant) => tenant === struck));
    expect(new Set((await released()).map((one) => one.split(' ')[0]))).toEqual(
      new Set(tenants.filter((tenant) => tenant !== struck)),
    );
    await sql.rollback();
    await sql.begin();
  });
});

describe('settle_one', () => {
  const times = { expiresAt: '2999-01-01T00:00:00Z', sessionExpiresAt: '2999-01-01T01:00:00Z' };

  beforeEach(async () => {
    await putPlain();
    for (const kind of ['stage', 'chat']) {
      const row = { tenant_id: 'ten', id: kind, space_id: 'spc', kind, state: 'pending' };
      await sql.insert('grants', { ...row, mint: null, participant_id: null });
    }
  });

  const made = [
    { id: 'stage', mint: 'ivs', participantId: 'p', ...times },
    { id: 'chat', ...times },
  ];
  const settleOne = () =>
    sql.value('settle_one', { tenant: 'ten', requests: JSON.stringify([{ ...member(7, 'ann'), made }]) });
  const rows = () => sql.query(`select to_jsonb(g) - 'checked_at' as row from grants as g order by id`);

  test('records what settle records', async () => {
    await sql.query('savepoint before_one');
    expect(await settleOne()).toEqual({ settled: [7], left: [] });
    const together = await rows();
    await sql.query('rollback to before_one');
    const refusal = await sql.value('settle', {
      tenant: 'ten',
      callerKind: 'apiKey',
      credential: 'key',
      user: 'ann',
      space: 'spc',
      roleAsked: null,
      rolesClaimed: [],
      grants: ['stage', 'chat'],
      made: JSON.stringify(made),
      failed: [],
      pseudonym: 'p-ann',
      limits,
    });
    expect(refusal).toBeNull();
    expect(together).toEqual(await rows());
    expect(together[0]).toMatchObject({ row: { state: 'released', expires_at: expect.stringContaining('2999') } });
  });

  test.each<[string, string, unknown[]]>([
    [
      'was banned',
      `insert into bans (tenant_id, id, user_id, created_by) values ('ten', 'b', 'ann', '{}')`,
      [[7, 'banned']],
    ],
    [
      'was banned and then erased',
      `insert into bans (tenant_id, id, user_id, created_by) values ('ten', 'b', 'erased:p-ann', '{}')`,
      [[7, 'banned']],
    ],
    ['is in a frozen space', `update spaces set frozen_at = now()`, [[7, 'space_frozen']]],
    ['has a grant that was swept', `update grants set state = 'refused' where id = 'chat'`, []],
  ])('leaves alone, as it is, the vend of a user who %s', async (_, change, left) => {
    await sql.query(change);
    const before = await rows();
    expect(await settleOne()).toEqual({ settled: [], left });
    expect(await rows()).toEqual(before);
  });

  test.each<[string, Row]>([
    ['lock_user', { user: 'ann' }],
    ['lock_space', { space: 'spc' }],
  ])('does not wait for what holds %s', async (name, what) => {
    await other.call(name, { tenant: 'ten', ...what, exclusive: true });
    expect(await settleOne()).toEqual({ settled: [], left: [] });
  });
});
