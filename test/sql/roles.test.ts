/** The functions of roles. */
import { expectDropped } from '../support/ended-tenant.ts';
import { SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const id of ['ten', 'ten_other', 'ten_bare']) await sql.insert('tenants', { id });
  await sql.insert('roles', { tenant_id: 'ten', name: 'viewer', rank: 0 });
  await sql.insert('roles', { tenant_id: 'ten', name: 'host', rank: 5 });
  await sql.insert('roles', { tenant_id: 'ten', name: 'guard', rank: 7, moderator: true });
  await sql.insert('roles', { tenant_id: 'ten', name: 'chief', rank: -3, moderator: true });
  await sql.insert('roles', { tenant_id: 'ten_other', name: 'host', rank: 50, moderator: true });
  await sql.insert('roles', { tenant_id: 'ten_other', name: 'king', rank: 60, moderator: true });
});
afterEach(() => sql.rollback());

describe('find_role', () => {
  test.each([
    ['host', { tenant_id: 'ten', name: 'host', rank: 5 }],
    ['Host', { tenant_id: null, name: null, rank: null }],
    ['king', { tenant_id: null, name: null, rank: null }],
    ['console:king', { tenant_id: null, name: null, rank: null }],
    [null, { tenant_id: null, name: null, rank: null }],
  ])('%p', async (name, row) => {
    expect(await sql.call('find_role', { tenant: 'ten', name })).toMatchObject([row]);
  });
});

describe('role_of_console', () => {
  const find = async (name: string | null) => (await sql.call('role_of_console', { tenant: 'ten', name }))[0];

  test.each([
    ['console:viewer', []],
    ['console:moderator', ['SEND_MESSAGE']],
  ])('%s may read the chat for a while, and does not stop at a freeze', async (name, capabilities) => {
    const role = await find(name);
    expect(role).toMatchObject({
      tenant_id: 'ten',
      name,
      stage_capabilities: [],
      stage_ttl_seconds: null,
      chat_capabilities: capabilities,
      chat_session_minutes: 20,
      moderator: true,
      rank: 0,
    });
    expect(await sql.call('find_role', { tenant: 'ten', name })).toEqual([role]);
  });

  test.each([['console:admin'], ['viewer'], [null]])('%p is none', async (name) => {
    expect(await find(name)).toMatchObject({ tenant_id: null, name: null });
  });
});

describe('is_of_console', () => {
  test.each<[string | null, boolean | null]>([
    ['console:viewer', true],
    ['console', false],
    ['a-console:viewer', false],
    [null, null],
  ])('%p: %p', async (role, is) => {
    expect(await sql.value('is_of_console', { role })).toBe(is);
  });
});

describe('claimed_role', () => {
  test.each<[string, (string | null)[] | null, string | null]>([
    ['one role', ['host'], 'host'],
    ['the highest of several', ['viewer', 'guard', 'host'], 'guard'],
    ['the highest of those that the tenant has', ['king', 'viewer', 'host', 'Guard'], 'host'],
    ['a role of a rank below that of no role', ['chief'], 'chief'],
    ['of several of one rank the first by its bytes', ['alpha', 'host', 'Zeta'], 'Zeta'],
    ['the same one in another order', ['Zeta', 'host', 'alpha'], 'Zeta'],
    ['a role that only another tenant defines', ['king'], null],
    ['a null among the names', [null, 'host'], 'host'],
    ['no names', [], null],
    ['a null list', null, null],
  ])('%s', async (_, names, name) => {
    await sql.insert('roles', { tenant_id: 'ten', name: 'alpha', rank: 5 });
    await sql.insert('roles', { tenant_id: 'ten', name: 'Zeta', rank: 5 });
    expect(await sql.call('claimed_role', { tenant: 'ten', names })).toMatchObject([
      { tenant_id: name && 'ten', name },
    ]);
  });
});

describe('role_names', () => {
  test.each([
    ['a tenant', 'ten', ['guard', 'host', 'viewer', 'chief']],
    ['another tenant', 'ten_other', ['king', 'host']],
    ['a tenant without roles', 'ten_bare', []],
  ])('of %s, the highest rank first', async (_, tenant, names) => {
    expect(await sql.value('role_names', { tenant })).toEqual(names);
  });
});

describe('moderator_roles', () => {
  test.each([
    ['a tenant with some', 'ten', ['chief', 'guard']],
    ['another tenant', 'ten_other', ['host', 'king']],
    ['a tenant without roles', 'ten_bare', []],
  ])('%s', async (_, tenant, names) => {
    expect((await sql.value<string[]>('moderator_roles', { tenant })).toSorted()).toEqual(names);
  });
});

describe('rank_of_roles', () => {
  test.each<[string, (string | null)[] | null, number]>([
    ['one role', ['host'], 5],
    ['the highest of many', ['viewer', 'guard', 'host'], 7],
    ['a role of rank 0', ['viewer'], 0],
    ['a role of a rank below that of no role', ['chief'], -3],
    ['roles that are not all defined', ['king', 'viewer'], 0],
    ['a role that only another tenant defines', ['king'], -1],
    ['no roles', [], -1],
    ['a null among the roles', [null, 'host'], 5],
    ['a null list', null, -1],
  ])('%s', async (_, names, rank) => {
    expect(await sql.value('rank_of_roles', { tenant: 'ten', names })).toBe(rank);
  });
});

describe('rank_of_moderators', () => {
  test.each<[string, (string | null)[] | null, number | null]>([
    ['one role that moderates', ['guard'], 7],
    ['the lowest of several', ['guard', 'chief'], -3],
    ['one of them does not moderate', ['guard', 'host'], null],
    ['one of them is not defined', ['guard', 'king'], null],
    ['a null among the roles', ['guard', null], null],
    ['no roles', [], null],
    ['a null list', null, null],
  ])('%s', async (_, names, rank) => {
    expect(await sql.value('rank_of_moderators', { tenant: 'ten', names })).toBe(rank);
  });
});

describe('lock_moderator_roles', () => {
  test('names the roles that moderate, and keeps them as they are', async () => {
    const other = await sql.another();
    try {
      await sql.commit();
      await sql.begin();
      const [free] = await sql.query<{ name: string }>('select name from roles where not moderator limit 1');
      const names = await sql.value<string[]>('lock_moderator_roles', { tenant: 'ten' });
      expect([...names].sort()).toEqual([...(await sql.value<string[]>('moderator_roles', { tenant: 'ten' }))].sort());
      expect(names.length).toBeGreaterThan(0);
      await other.begin();
      const change = (name: string) =>
        other.hasToWait(() =>
          other.query(`update roles set rank = rank where tenant_id = 'ten' and name = $1`, [name]),
        );
      expect(await change(names[0] ?? '')).toBe(true);
      expect(await change(free?.name ?? '')).toBe(false);
      await other.rollback();
    } finally {
      await other.stop();
      await sql.rollback();
      await sql.query('delete from roles; delete from tenants');
      await sql.begin();
    }
  });
});

describe('find_roles', () => {
  test('finds those that find_role finds', async () => {
    const found = await sql.call('find_roles', { tenant: 'ten', names: ['host', 'Host', 'king', 'viewer'] });
    expect(found.map(({ name }) => String(name)).sort()).toEqual(['host', 'viewer']);
    for (const role of found)
      expect(await sql.call('find_role', { tenant: 'ten', name: String(role['name']) })).toEqual([role]);
    expect(await sql.call('find_roles', { tenant: 'ten', names: [] })).toEqual([]);
  });
});

describe('drop_roles_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['roles', { name: 'host' }],
      ['roles', { name: 'viewer' }],
    ];
    await expectDropped(sql, ['roles'], rows, (args) => sql.value('drop_roles_of_tenant', args));
  });
});
