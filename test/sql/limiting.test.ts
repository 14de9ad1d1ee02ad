/** The functions by which replicas share their limits. */
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const put = (row: { tenant_id?: string; name: string; whole_at: object }) =>
  sql.insert('allowances', { tenant_id: 'ten_a', ...row });

describe('settle_allowances', () => {
  const settle = (taken: [tenant: string, name: string, seconds: number][], longest = 120) =>
    sql.call('settle_allowances', {
      tenants: taken.map(([tenant]) => tenant),
      names: taken.map(([, name]) => name),
      seconds: taken.map(([, , seconds]) => seconds),
      longest,
    });
  const rowOf = (tenant: string, allowance: string, seconds: number) => ({
    tenant,
    allowance,
    seconds: expect.closeTo(seconds, 2),
  });

  test('adds what a replica has taken to what all have taken, of several tenants in one call', async () => {
    await put({ name: 'requests', whole_at: fromNow(10_000) });
    await sql.becomeService();
    const taken = await settle([
      ['ten_b', 'requests', 3],
      ['ten_a', 'vends', 4],
      ['ten_a', 'requests', 5],
    ]);
    expect(taken).toHaveLength(3);
    expect(taken).toEqual(
      expect.arrayContaining([
        rowOf('ten_a', 'requests', 15),
        rowOf('ten_a', 'vends', 4),
        rowOf('ten_b', 'requests', 3),
      ]),
    );
    expect(await settle([['ten_a', 'requests', 1]])).toEqual([rowOf('ten_a', 'requests', 16)]);
  });

  test('counts an allowance that was whole as whole, however long ago that was', async () => {
    await put({ name: 'requests', whole_at: fromNow(-3_600_000) });
    expect(await settle([['ten_a', 'requests', 2]])).toEqual([rowOf('ten_a', 'requests', 2)]);
  });

  test('forgets a time that is too far away, which a clock that was set back has left', async () => {
    await put({ name: 'requests', whole_at: fromNow(3_600_000) });
    expect(await settle([['ten_a', 'requests', 2]])).toEqual([rowOf('ten_a', 'requests', 122)]);
  });

  test('takes nothing of nothing', async () => {
    expect(await settle([])).toEqual([]);
  });
});

describe('sweep_allowances', () => {
  const sweep = (most = 10) => sql.value('sweep_allowances', { limits: { ...limits, sweptAtOnce: most } });
  const left = async () => (await sql.query('select name from allowances order by name')).map(({ name }) => name);

  test('deletes what is whole, of all tenants, and tells how many', async () => {
    await put({ name: 'a', whole_at: fromNow(0) });
    await put({ name: 'b', tenant_id: 'ten_b', whole_at: fromNow(-60_000) });
    await put({ name: 'c', whole_at: fromNow(60_000) });
    await sql.becomeService();
    expect(await sweep()).toBe('2');
    await sql.query('reset role');
    expect(await left()).toEqual(['c']);
  });

  test('begins with the oldest, and deletes no more than the limit', async () => {
    await put({ name: 'a', whole_at: fromNow(-10_000) });
    await put({ name: 'b', whole_at: fromNow(-30_000) });
    await put({ name: 'c', whole_at: fromNow(-20_000) });
    expect(await sweep(2)).toBe('2');
    expect(await left()).toEqual(['a']);
  });
});

describe('drop_allowances_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['allowances', { name: 'a', whole_at: new Date() }],
      ['allowances', { name: 'b', whole_at: new Date() }],
    ];
    await expectDropped(sql, ['allowances'], rows, (args) => sql.value('drop_allowances_of_tenant', args));
  });
});
