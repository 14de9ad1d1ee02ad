/** The functions of member rows. */
import { expectDropped } from '../support/ended-tenant.ts';
import { SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const tenant of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant });
    for (const name of ['viewer', 'host', 'owner']) await sql.insert('roles', { tenant_id: tenant, name });
    for (const id of ['spc', 'spc_b', 'spc_c']) await sql.insert('spaces', { tenant_id: tenant, id });
  }
  for (const [tenant, space, user, role] of [
    ['ten', 'spc', 'ann', 'host'],
    ['ten', 'spc', 'ben', 'viewer'],
    ['ten', 'spc_b', 'ann', 'owner'],
    ['ten', 'spc_c', 'ann', 'host'],
    ['ten_other', 'spc', 'ann', 'viewer'],
    ['ten_other', 'spc', 'eve', 'owner'],
  ]) {
    await sql.insert('members', { tenant_id: tenant, space_id: space, user_id: user, role });
  }
});
afterEach(() => sql.rollback());

/** The rank of who gave the role, the rank of who has it, and whether it binds them. */
const ranks: [by: number | null, own: number | null, binds: boolean][] = [
  [null, 9, true],
  [null, null, true],
  [20, 10, true],
  [20, null, true],
  [20, 20, false],
  [20, 30, false],
];

describe('member_role', () => {
  test.each([
    ['spc', 'ann', 'host'],
    ['spc', 'ben', 'viewer'],
    ['spc_b', 'ann', 'owner'],
    ['spc_b', 'ben', null],
    ['spc', 'eve', null],
    ['spc_gone', 'ann', null],
    [null, 'ann', null],
    ['spc', null, null],
  ])('in %p of %p is %p', async (space, user, role) => {
    expect(await sql.value('member_role', { tenant: 'ten', space, user, rank: 1_000_000 })).toBe(role);
  });

  test.each(ranks)('by the rank %p, of a user of the rank %p', async (by_rank, rank, binds) => {
    await sql.query(`update members set by_rank = $1`, [by_rank]);
    const role = await sql.value('member_role', { tenant: 'ten', space: 'spc', user: 'ann', rank });
    expect(role).toBe(binds ? 'host' : null);
  });
});

describe('member_facts', () => {
  test.each(ranks)('of a row by the rank %p, for a user of the rank %p', async (by_rank, rank, binds) => {
    await sql.query(`update members set by_rank = $1 where tenant_id = 'ten' and user_id = 'ann'`, [by_rank]);
    const asked = { tenant: 'ten', space: 'spc', user: 'ann', rank };
    expect(await sql.value('member_facts', asked)).toEqual({ role: 'host', byRank: by_rank, binds });
  });

  test('of nobody', async () => {
    const asked = { tenant: 'ten', space: 'spc', user: 'eve', rank: null };
    expect(await sql.value('member_facts', asked)).toBeNull();
  });
});

describe('binding_member_roles', () => {
  test.each<[string, string[]]>([
    ['ann', ['host', 'owner']],
    ['ben', ['viewer']],
    ['eve', []],
  ])('of %p', async (user, roles) => {
    const found = await sql.value<string[]>('binding_member_roles', { tenant: 'ten', user, rank: 1_000_000 });
    expect(found.toSorted()).toEqual(roles);
  });

  test.each(ranks)('by the rank %p, of a user of the rank %p', async (by_rank, rank, binds) => {
    await sql.query(`update members set by_rank = $1 where space_id = 'spc_b'`, [by_rank]);
    const found = await sql.value<string[]>('binding_member_roles', { tenant: 'ten', user: 'ann', rank });
    expect(found.toSorted()).toEqual(binds ? ['host', 'owner'] : ['host']);
  });
});

describe('note_outranked_member', () => {
  const note = (more: object = {}) =>
    sql.call('note_outranked_member', {
      tenant: 'ten',
      space: 'spc',
      user: 'ann',
      rank: 30,
      caller: { kind: 'user', id: 'ann' },
      auditEntry: `aud_${Math.random()}`,
      request: 'request',
      ...more,
    });
  const marked = () =>
    sql.query(`select concat_ws(' ', tenant_id, space_id, user_id) as row from members where outranked_at is not null`);
  const entries = () => sql.query('select caller, action, space_id, user_id, details, request_id from audit');

  test('marks the row and tells the log, once', async () => {
    await sql.query(`update members set by_rank = 20`);
    for (let time = 0; time < 2; time++) await note();
    expect(await marked()).toEqual([{ row: 'ten spc ann' }]);
    expect(await entries()).toEqual([
      {
        caller: { kind: 'user', id: 'ann' },
        action: 'member.outranked',
        space_id: 'spc',
        user_id: 'ann',
        details: { role: 'host', byRank: 20, rank: 30 },
        request_id: 'request',
      },
    ]);
  });

  test.each(ranks.filter(([, , binds]) => binds))('not by the rank %p, of a user of the rank %p', async (by, rank) => {
    await sql.query(`update members set by_rank = $1`, [by]);
    await note({ rank });
    expect([await marked(), await entries()]).toEqual([[], []]);
  });
});

describe('member_roles', () => {
  test.each<[string | null, string, string[]]>([
    ['spc', 'ann', ['host']],
    ['spc_b', 'ann', ['owner']],
    ['spc_b', 'ben', []],
    ['spc', 'eve', []],
    [null, 'ann', ['host', 'owner']],
    [null, 'ben', ['viewer']],
    [null, 'eve', []],
  ])('in %p of %p are %p', async (space, user, roles) => {
    const found = await sql.value<string[]>('member_roles', { tenant: 'ten', space, user });
    expect(found.toSorted()).toEqual(roles);
  });
});

describe('forget_members', () => {
  test.each([
    ['a space with members', 'spc', ['ten spc_b ann', 'ten spc_c ann', 'ten_other spc ann', 'ten_other spc eve']],
    [
      'a space that is not there',
      'spc_gone',
      ['ten spc ann', 'ten spc ben', 'ten spc_b ann', 'ten spc_c ann', 'ten_other spc ann', 'ten_other spc eve'],
    ],
  ])('deletes the member rows of %s and no others', async (_, space, left) => {
    await sql.call('forget_members', { tenant: 'ten', space, most: 10 });
    const rows = await sql.query(`select concat_ws(' ', tenant_id, space_id, user_id) as row from members order by 1`);
    expect(rows.map(({ row }) => row)).toEqual(left);
    expect(await sql.query(`select from spaces where id = 'spc'`)).toHaveLength(2);
  });

  test('goes on where it has stopped, and says how many it has deleted', async () => {
    const forget = () => sql.value<number>('forget_members', { tenant: 'ten', space: 'spc', most: 1 });
    expect([await forget(), await forget(), await forget()]).toEqual([1, 1, 0]);
  });
});

describe('members_of_spaces', () => {
  test.each<[[string, string][], string[]]>([
    [
      [
        ['spc', 'ann'],
        ['spc_b', 'ann'],
        ['spc', 'ben'],
      ],
      ['spc ann host', 'spc_b ann owner', 'spc ben viewer'],
    ],
    [
      [
        ['spc', 'eve'],
        ['spc_b', 'ben'],
        ['spc_gone', 'ann'],
      ],
      [],
    ],
    [[], []],
  ])('of %j', async (asked, rows) => {
    const [spaces, users] = [asked.map(([space]) => space), asked.map(([, user]) => user)];
    const found = await sql.call('members_of_spaces', { tenant: 'ten', spaces, users });
    expect(found.map((row) => [row['space_id'], row['user_id'], row['role']].join(' '))).toEqual(rows);
  });
});

describe('restore_member', () => {
  const entry = { action: 'member.put', spaceId: 'spc', userId: 'ann', details: { role: 'viewer' } };
  const restore = (changed: Partial<typeof entry> = {}) =>
    sql.value('restore_member', { tenant: 'ten', entry: { ...entry, ...changed } });
  const roleOf = async (space: string, user: string) => {
    const where = [space, user];
    const [row] = await sql.query(
      `select role, by_rank from members where tenant_id = 'ten' and space_id = $1 and user_id = $2`,
      where,
    );
    return row;
  };

  test.each<[string, Partial<typeof entry>, boolean, string | undefined]>([
    ['another role', {}, true, 'viewer'],
    ['the role that they have', { details: { role: 'host' } }, false, 'host'],
    ['a role that is not there', { details: { role: 'gone' } }, true, undefined],
    ['no role any more', { action: 'member.delete' }, true, undefined],
    ['a role by the act of a moderator', { action: 'role.change', details: { role: 'owner' } }, true, 'owner'],
  ])('%s', async (_, changed, isChanged, role) => {
    await sql.query('update members set by_rank = 5');
    expect(await restore(changed)).toBe(isChanged);
    expect(await roleOf('spc', 'ann')).toEqual(role && { role, by_rank: isChanged ? null : 5 });
    expect(await roleOf('spc_c', 'ann')).toMatchObject({ role: 'host' });
  });

  test('of somebody who has no row', async () => {
    expect(await restore({ userId: 'fay' })).toBe(true);
    expect(await roleOf('spc', 'fay')).toMatchObject({ role: 'viewer' });
    expect(await restore({ userId: 'gil', action: 'member.delete' })).toBe(false);
  });

  test('in a space that is not there', async () => {
    expect(await restore({ spaceId: 'spc_gone' })).toBe(false);
  });
});

describe('drop_members_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['roles', { name: 'host' }],
      ['spaces', { id: 'spc' }],
      ['members', { space_id: 'spc', role: 'host' }],
      ['members', { space_id: 'spc', role: 'host', user_id: 'ben' }],
    ];
    await expectDropped(sql, ['members'], rows, (args) => sql.value('drop_members_of_tenant', args));
  });
});

describe('erase_members', () => {
  test('deletes the member rows of the user in this tenant alone', async () => {
    const args = { tenant: 'ten', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_members', args)).toEqual([{ changed: '3', waiting: '0', reached: null }]);
    const left = await sql.query('select tenant_id, user_id from members order by 1, 2');
    expect(left).toEqual([
      { tenant_id: 'ten', user_id: 'ben' },
      { tenant_id: 'ten_other', user_id: 'ann' },
      { tenant_id: 'ten_other', user_id: 'eve' },
    ]);
  });
});
