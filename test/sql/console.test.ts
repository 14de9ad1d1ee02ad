/** The functions of the console's sessions. */
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten' });
  await sql.insert('tenants', { id: 'ten_other' });
  await sql.insert('api_keys', {
    tenant_id: 'ten',
    id: 'key',
    name: 'Night',
    scopes: ['a'],
    bounds: { roles: ['host'] },
  });
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const hash = Buffer.from('hash');

async function put(row: Row = {}): Promise<void> {
  await sql.insert('console_sessions', { tenant_id: 'ten', id: 'cse', hash, kind: 'apiKey', caller: 'key', ...row });
}

async function putPerson(row: Row = {}): Promise<void> {
  await sql.insert('console_issuers', { tenant_id: 'ten', id: 'cis' });
  await sql.insert('console_users', {
    tenant_id: 'ten',
    user_id: 'ann',
    issuer_id: 'cis',
    role: 'viewer',
    ...row,
  });
}

async function left(): Promise<unknown[]> {
  return (await sql.query('select id from console_sessions order by id')).map(({ id }) => id);
}

/** A session, and whether it holds. */
const sessions: [string, Row, boolean][] = [
  ['a session that expires later', { expires_at: fromNow(1) }, true],
  ['a session that expires now', { expires_at: fromNow(0) }, false],
  ['a session that the person has ended', { ended_at: inSeconds(-1) }, false],
  ['a session of another tenant', { tenant_id: 'ten_other' }, false],
];

describe('console_session_holds', () => {
  test.each(sessions)('%s', async (_, row, holds) => {
    await put(row);
    expect(await sql.value('console_session_holds', { tenant: 'ten', session: 'cse' })).toBe(holds);
  });

  test.each([['another'], [null]])('the id %s', async (session) => {
    await put();
    expect(await sql.value('console_session_holds', { tenant: 'ten', session })).toBe(false);
  });
});

describe('find_console_session', () => {
  const find = (asked: Row = {}) => sql.value('find_console_session', { tenant: 'ten', hash, limits, ...asked });

  test.each(sessions)('%s', async (_, row, holds) => {
    await put(row);
    expect(await find()).toEqual(
      holds
        ? {
            id: 'cse',
            kind: 'apiKey',
            caller: 'key',
            startedAt: expect.any(String),
            tokenHash: null,
            rights: { name: 'Night', scopes: ['a'], bounds: { roles: ['host'] } },
            role: null,
            name: null,
          }
        : null,
    );
  });

  test.each<[string, Row]>([
    ['another hash', { hash: Buffer.from('another') }],
    ['no hash', { hash: null }],
    ['no tenant', { tenant: null }],
  ])('finds nothing for %s', async (_, asked) => {
    await put();
    expect(await find(asked)).toBeNull();
  });

  test.each<[string, Row]>([
    ['was revoked', { revoked_at: inSeconds(-1) }],
    ['has expired', { expires_at: fromNow(0) }],
  ])('finds nothing if the API key %s', async (_, changed) => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key_ended', ...changed });
    await put({ caller: 'key_ended' });
    expect(await find()).toBeNull();
  });

  test('finds a session of the operator, with the hash of their token', async () => {
    await put({ tenant_id: 'operator', kind: 'operator', caller: 'operator', token_hash: Buffer.from('token') });
    const found = { kind: 'operator', tokenHash: Buffer.from('token').toString('hex'), rights: null };
    expect(await find({ tenant: 'operator' })).toMatchObject(found);
  });

  describe('of a person', () => {
    beforeEach(async () => {
      await putPerson();
      await put({
        kind: 'consoleUser',
        caller: 'ann',
        issuer_id: 'cis',
        name: 'Ann Lee',
      });
    });

    test('tells their role and their name', async () => {
      expect(await find()).toMatchObject({
        kind: 'consoleUser',
        caller: 'ann',
        role: 'viewer',
        name: 'Ann Lee',
      });
      await sql.query(`update console_users set role = 'admin'`);
      expect(await find()).toMatchObject({ role: 'admin' });
    });

    test.each([
      ['they were removed', 'delete from console_users'],
      ['their provider was deleted', 'delete from console_issuers'],
      ['they come from another provider', `update console_sessions set issuer_id = 'cis_other'`],
      [
        'their id looks like another credential',
        `update console_sessions set caller = 'viewer.cse_beside' where id = 'cse'`,
      ],
    ])('finds nothing if %s', async (_, change) => {
      await put({
        id: 'cse_beside',
        hash: Buffer.from('beside'),
        kind: 'consoleUser',
        caller: 'ann',
        issuer_id: 'cis',
      });
      await sql.query(change);
      expect(await find()).toBeNull();
    });
  });

  const idle = `now() + interval '${limits.consoleIdleSeconds} seconds'`;
  const latest = `created_at + interval '${limits.consoleSessionSeconds} seconds'`;

  test.each<[string, Row, boolean, string]>([
    ['a use after a while moves the end', { last_used_at: fromNow(-60_001) }, true, idle],
    ['a use soon after another one is not noted', { last_used_at: fromNow(-59_000) }, false, idle],
    ['a use from before the clock was set back counts as none', { last_used_at: fromNow(5_000) }, true, idle],
    [
      'the end moves no further than allowed',
      { created_at: inSeconds(-43_000), last_used_at: fromNow(-60_001) },
      true,
      latest,
    ],
  ])('%s', async (_, row, isNoted, end) => {
    await put({ expires_at: fromNow(1_000), ...row });
    await find();
    const [found] = await sql.query(`
      select last_used_at = now()::timestamptz(3) as noted, expires_at = (${end})::timestamptz(3) as moved from console_sessions`);
    expect(found).toEqual({ noted: isNoted, moved: isNoted });
  });

  test('serves the service before the tenant is known', async () => {
    await put();
    await sql.becomeService();
    expect(await find()).toMatchObject({ id: 'cse' });
  });
});

describe('begin_console_session', () => {
  const begin = (session: string, more: Row = {}, most = 3) =>
    sql.call('begin_console_session', {
      tenant: 'ten',
      session,
      hash: Buffer.from(session),
      kind: 'apiKey',
      caller: 'key',
      tokenHash: null,
      issuer: null,
      name: null,
      limits: { ...limits, consoleSessions: most },
      ...more,
    });

  test('records a session that ends if it is not used', async () => {
    await begin('cse_1');
    const [row] = await sql.query(`
      select tenant_id, id, hash, kind, caller, token_hash, ended_at,
             expires_at = (now() + interval '30 minutes')::timestamptz(3) as in_time
        from console_sessions`);
    expect(row).toEqual({
      tenant_id: 'ten',
      id: 'cse_1',
      hash: Buffer.from('cse_1'),
      kind: 'apiKey',
      caller: 'key',
      token_hash: null,
      ended_at: null,
      in_time: true,
    });
  });

  test('records a session of the operator', async () => {
    const more = { tenant: 'operator', kind: 'operator', caller: 'operator', tokenHash: Buffer.from('token') };
    await begin('cse_1', more);
    expect(await sql.query('select tenant_id, token_hash from console_sessions')).toEqual([
      { tenant_id: 'operator', token_hash: Buffer.from('token') },
    ]);
  });

  test('records a session of a person, with their provider and their name', async () => {
    await begin('cse_1', {
      kind: 'consoleUser',
      caller: 'ann',
      issuer: 'cis',
      name: 'Ann Lee',
    });
    expect(await sql.query('select kind, caller, issuer_id, name from console_sessions')).toEqual([
      { kind: 'consoleUser', caller: 'ann', issuer_id: 'cis', name: 'Ann Lee' },
    ]);
  });

  test('makes room: what has ended goes first, then what was used longest ago, and nobody else’s', async () => {
    await put({ id: 'a', hash: Buffer.from('a'), last_used_at: inSeconds(-50) });
    await put({ id: 'b', hash: Buffer.from('b'), last_used_at: inSeconds(-10) });
    await put({ id: 'c', hash: Buffer.from('c'), last_used_at: inSeconds(-30) });
    await put({ id: 'd', hash: Buffer.from('d'), ended_at: inSeconds(-1) });
    await put({ id: 'e', hash: Buffer.from('e'), expires_at: fromNow(0) });
    await put({ id: 'f', hash: Buffer.from('f'), caller: 'key_other', last_used_at: inSeconds(-90) });
    await put({ id: 'g', hash: Buffer.from('g'), tenant_id: 'ten_other', last_used_at: inSeconds(-90) });
    await begin('new');
    expect(await left()).toEqual(['b', 'c', 'f', 'g', 'new']);
  });
});

describe('end_console_session', () => {
  test('ends a session once, and no other', async () => {
    await put();
    await put({ id: 'beside', hash: Buffer.from('beside') });
    await put({ tenant_id: 'ten_other' });
    const end = (session: string) => sql.value('end_console_session', { tenant: 'ten', session });
    expect(await end('cse')).toBe(true);
    expect(await end('cse')).toBe(false);
    expect(await end('unknown')).toBe(false);
    const ended = await sql.query('select tenant_id, id from console_sessions where ended_at is not null');
    expect(ended).toEqual([{ tenant_id: 'ten', id: 'cse' }]);
  });
});

describe('end_sessions_of_person', () => {
  const of = (caller: string, issuer: string) => ({
    kind: 'consoleUser',
    caller,
    issuer_id: issuer,
  });

  test.each<[string, string | null, string[]]>([
    ['of one person', 'ann', ['a']],
    ['of everybody who came from a provider', null, ['a', 'b']],
  ])('ends the sessions %s, and no others', async (_, user, ended) => {
    await put({ id: 'a', hash: Buffer.from('a'), ...of('ann', 'cis') });
    await put({ id: 'b', hash: Buffer.from('b'), ...of('bob', 'cis') });
    await put({ id: 'c', hash: Buffer.from('c'), ...of('ann', 'cis_other') });
    await put({ id: 'd', hash: Buffer.from('d'), caller: 'ann' });
    await put({
      id: 'e',
      hash: Buffer.from('e'),
      tenant_id: 'ten_other',
      ...of('ann', 'cis'),
    });
    await sql.call('end_sessions_of_person', {
      tenant: 'ten',
      issuer: 'cis',
      user,
    });
    const found = await sql.query('select id from console_sessions where ended_at is not null order by id');
    expect(found.map(({ id }) => id as string)).toEqual(ended);
  });
});

/** Who asks for a role, and what they get: a person `ann` from the provider `cis`. */
const asked: [string, Row, string | null][] = [
  ['a person', {}, 'viewer'],
  ['somebody else', { user: 'bob' }, null],
  ['the same id from another provider', { issuer: 'cis_other' }, null],
  ['the same id of another tenant', { tenant: 'ten_other' }, null],
  ['nobody', { user: null }, null],
];

describe('console_role', () => {
  test.each(asked)('of %s', async (_, who, role) => {
    await putPerson();
    expect(
      await sql.value('console_role', {
        tenant: 'ten',
        user: 'ann',
        issuer: 'cis',
        ...who,
      }),
    ).toBe(role);
  });
});

describe('lock_console_user', () => {
  const lock = (who: Row) =>
    sql.value('lock_console_user', {
      tenant: 'ten',
      user: 'ann',
      issuer: 'cis',
      version: 1,
      ...who,
    });

  test.each(asked)('returns the role of %s', async (_, who, role) => {
    await putPerson();
    await sql.insert('console_issuers', { tenant_id: 'ten', id: 'cis_other' });
    expect(await lock(who)).toBe(role);
  });

  test('returns none if the provider was changed since', async () => {
    await putPerson();
    await sql.query('update console_issuers set version = 2');
    expect(await lock({})).toBeNull();
    expect(await lock({ version: 2 })).toBe('viewer');
  });

  test('a removal of the person waits for the sign-in', async () => {
    await putPerson();
    await lock({});
    const locked = 'select user_id from console_users for update skip locked';
    expect(await sql.query(locked)).toHaveLength(1); // the own transaction does not wait for itself
    const found = await sql.query(`
      select count(*)::int as locks from pg_locks
       where mode = 'RowShareLock' and relation in ('console_users'::regclass, 'console_issuers'::regclass)`);
    expect(found).toEqual([{ locks: 2 }]);
  });
});

describe('find_console_tenant', () => {
  test('finds a tenant by its slug, before anybody has signed in', async () => {
    await sql.insert('tenants', { id: 'ten_third', slug: 'third' });
    await sql.becomeService();
    expect(await sql.value('find_console_tenant', { slug: 'third' })).toBe('ten_third');
    for (const slug of ['Third', 'nobody', null]) expect(await sql.value('find_console_tenant', { slug })).toBeNull();
  });
});

describe('console_user_holds', () => {
  test.each<[string, Row, string, boolean]>([
    ['the role of the person', {}, 'viewer', true],
    ['a lower role than theirs', { role: 'admin' }, 'viewer', false],
    ['a higher role than theirs', {}, 'admin', false],
  ])('%s', async (_, row, role, holds) => {
    await putPerson(row);
    await put({ kind: 'consoleUser', caller: 'ann', issuer_id: 'cis' });
    expect(
      await sql.value('console_user_holds', {
        tenant: 'ten',
        role,
        session: 'cse',
      }),
    ).toBe(holds);
  });
});

describe('sweep_console_sessions', () => {
  const sweep = (most = 10) => sql.value('sweep_console_sessions', { limits: { ...limits, sweptAtOnce: most } });

  test('deletes what has expired, of all tenants, and tells how many', async () => {
    await put({ id: 'a', hash: Buffer.from('a'), expires_at: fromNow(0) });
    await put({ id: 'b', tenant_id: 'ten_other', expires_at: inSeconds(-60) });
    await put({ id: 'c', hash: Buffer.from('c'), expires_at: fromNow(60_000), ended_at: inSeconds(-1) });
    await put({ id: 'd', hash: Buffer.from('d'), expires_at: fromNow(60_000) });
    await sql.becomeService();
    expect(await sweep()).toBe('2');
    await sql.query('reset role');
    expect(await left()).toEqual(['c', 'd']);
  });

  test('begins with the oldest, and deletes no more than the limit', async () => {
    await put({ id: 'a', hash: Buffer.from('a'), expires_at: inSeconds(-10) });
    await put({ id: 'b', hash: Buffer.from('b'), expires_at: inSeconds(-30) });
    await put({ id: 'c', hash: Buffer.from('c'), expires_at: inSeconds(-20) });
    expect(await sweep(2)).toBe('2');
    expect(await left()).toEqual(['a']);
  });
});

describe('restore_console_user', () => {
  const entry = { action: 'consoleUser.put', subject: 'ann', details: { role: 'viewer', issuer: 'cis' } };
  const restore = (changed: Partial<typeof entry> = {}) =>
    sql.value('restore_console_user', { tenant: 'ten', entry: { ...entry, ...changed } });
  const people = () => sql.query('select user_id, issuer_id, role from console_users');
  const open = () => sql.query('select id from console_sessions where ended_at is null');

  beforeEach(async () => {
    await putPerson({ role: 'admin' });
    await put({ kind: 'consoleUser', caller: 'ann', issuer_id: 'cis' });
  });

  test('gives a person the role of the entry, and ends their sessions', async () => {
    expect(await restore()).toBe(true);
    expect(await people()).toEqual([{ user_id: 'ann', issuer_id: 'cis', role: 'viewer' }]);
    expect(await open()).toEqual([]);
    expect(await restore()).toBe(false);
  });

  test('takes the role of a person', async () => {
    expect(await restore({ action: 'consoleUser.delete' })).toBe(true);
    expect(await people()).toEqual([]);
    expect(await open()).toEqual([]);
  });

  test('takes it, too, if their new identity provider is not there', async () => {
    expect(await restore({ details: { role: 'admin', issuer: 'cis_gone' } })).toBe(true);
    expect(await people()).toEqual([]);
  });

  test('leaves alone who has that role, and makes nobody', async () => {
    expect(await restore({ details: { role: 'admin', issuer: 'cis' } })).toBe(false);
    expect(await restore({ subject: 'ben' })).toBe(false);
    expect(await people()).toHaveLength(1);
    expect(await open()).toHaveLength(1);
  });
});

describe('forget_console_issuer', () => {
  test('deletes it with the roles of its people, and ends their sessions', async () => {
    await putPerson();
    await put({ kind: 'consoleUser', caller: 'ann', issuer_id: 'cis' });
    await put({ id: 'cse_key', hash: Buffer.from('other') });
    const forget = () => sql.value('forget_console_issuer', { tenant: 'ten', issuer: 'cis' });
    expect(await forget()).toBe(true);
    expect(await sql.query('select from console_issuers')).toEqual([]);
    expect(await sql.query('select from console_users')).toEqual([]);
    expect(await sql.query('select id from console_sessions where ended_at is null')).toEqual([{ id: 'cse_key' }]);
    expect(await forget()).toBe(false);
  });
});

describe('sealed_console_issuers', () => {
  const other = Buffer.from('02aabbccdd', 'hex');
  const after = async (tenant: string, id: string, most = 10) => {
    const rows = await sql.call('sealed_console_issuers', { seal: 'unnamed', tenant, id, most });
    return rows.map((row) => `${String(row['tenant_id'])} ${String(row['id'])}`);
  };

  test('returns what another key has sealed, of all tenants, in the order of their keys', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten_other', 'a', other],
      ['ten', 'b', other],
      ['ten', 'a', other],
      ['ten', 'c', Buffer.from('01', 'hex')],
    ] as const)
      await sql.insert('console_issuers', { tenant_id, id, client_secret: sealed });
    await sql.become('stagedoor_test_service');
    const all = ['ten a', 'ten b', 'ten_other a'];
    expect(await after('', '')).toEqual(all);
    expect(await after('ten', 'a')).toEqual(all.slice(1));
    expect(await after('', '', 2)).toEqual(all.slice(0, 2));
    expect(await sql.call('sealed_console_issuers', { seal: 'aabbccdd', tenant: '', id: '', most: 10 })).toEqual([
      { tenant_id: 'ten', id: 'c', sealed: Buffer.from('01', 'hex') },
    ]);
  });
});

describe('seals_of_console_issuers', () => {
  test('counts the values of all tenants by their key', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten', 'a', '01'],
      ['ten', 'b', '02aabbccdd00'],
      ['ten_other', 'a', '02aabbccdd11'],
    ] as const)
      await sql.insert('console_issuers', { tenant_id, id, client_secret: Buffer.from(sealed, 'hex') });
    await sql.become('stagedoor_test_service');
    const rows = await sql.call('seals_of_console_issuers');
    expect(rows.toSorted((one, two) => String(one['seal']).localeCompare(String(two['seal'])))).toEqual([
      { seal: 'aabbccdd', secrets: '2' },
      { seal: 'unnamed', secrets: '1' },
    ]);
  });
});

describe('drop_console_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['console_issuers', { id: 'cis' }],
      ['console_users', { issuer_id: 'cis' }],
      ['console_sessions', { id: 'cse' }],
    ];
    await expectDropped(sql, ['console_sessions', 'console_users', 'console_issuers'], rows, (args) =>
      sql.value('drop_console_of_tenant', args),
    );
  });
});
