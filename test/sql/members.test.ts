/** The functions of member rows. */
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
    expect(await sql.value('member_role', { tenant: 'ten', space, user })).toBe(role);
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
    await sql.call('forget_members', { tenant: 'ten', space });
    const rows = await sql.query(`select concat_ws(' ', tenant_id, space_id, user_id) as row from members order by 1`);
    expect(rows.map(({ row }) => row)).toEqual(left);
    expect(await sql.query(`select from spaces where id = 'spc'`)).toHaveLength(2);
  });
});
