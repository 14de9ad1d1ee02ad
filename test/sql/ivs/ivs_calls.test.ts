/** The functions that count who uses the rates of IVS. */
import { limits } from '../../../src/limits.ts';
import { expectDropped } from '../../support/ended-tenant.ts';
import { fromNow, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const call = { tenant_id: 'ten_a', account: 'own us-east-1', operation: 'GetStage', recent: 10 };
const put = (row: object) => sql.insert('ivs_calls', { ...call, at: fromNow(0), ...row });
const uses = (account: string | null = null) => sql.call('ivs_call_uses', { account });

describe('note_ivs_calls', () => {
  const note = (noted: [tenant: string, account: string, operation: string, calls: number][]) =>
    sql.call('note_ivs_calls', {
      tenants: noted.map(([tenant]) => tenant),
      accounts: noted.map(([, account]) => account),
      operations: noted.map(([, , operation]) => operation),
      calls: noted.map(([, , , calls]) => calls),
    });

  test('adds to what was noted before, which counts for less as time goes by', async () => {
    await put({ at: fromNow(-60_000) });
    await sql.becomeService();
    await note([
      ['ten_b', 'own us-east-1', 'GetStage', 2],
      ['ten_a', 'own us-east-1', 'GetStage', 5],
    ]);
    expect(await uses()).toEqual([
      expect.objectContaining({ tenant: 'ten_a', calls: expect.closeTo(10 / Math.E + 5, 2) }),
      expect.objectContaining({ tenant: 'ten_b', calls: expect.closeTo(2, 2) }),
    ]);
  });

  test('notes nothing of nothing', async () => {
    await note([]);
    expect(await uses()).toEqual([]);
  });
});

describe('recent_ivs_calls', () => {
  test.each([
    [0, 10],
    [60, 10 / Math.E],
    [-60, 10], // the clock was set back
    [86_400_000, 0],
  ])('of ten calls, %d s ago, counts %d', async (seconds, counted) => {
    const value = await sql.valueOf<number>('recent_ivs_calls', '10, now() - make_interval(secs => $1)', [seconds]);
    expect(value).toBeCloseTo(counted, 2);
  });
});

describe('ivs_call_uses', () => {
  test('lists all who made calls, of one account or of all, and leaves out those of long ago', async () => {
    await put({});
    await put({ tenant_id: 'ten_b', account: 'arn:role eu-west-1' });
    await put({ tenant_id: 'ten_old', at: fromNow(-600_000) });
    await sql.becomeService();
    expect((await uses()).map(({ tenant }) => tenant)).toEqual(['ten_b', 'ten_a']);
    expect((await uses('own us-east-1')).map(({ tenant }) => tenant)).toEqual(['ten_a']);
  });
});

describe('ivs_call_levels', () => {
  test('lists the rates that were used, and no failed attempts of tenants', async () => {
    await sql.insert('pacing', {
      account: 'own us-east-1',
      operation: 'GetStage',
      allowance: 1.5,
      at: fromNow(-2_000),
    });
    await sql.insert('pacing', { account: 'role eu-west-1', operation: 'GetStage', allowance: 3, at: fromNow(2_000) });
    await sql.insert('pacing', { account: 'tenant a', operation: 'failed attempts', allowance: 3, at: fromNow(0) });
    await sql.becomeService();
    const own = { account: 'own us-east-1', operation: 'GetStage', allowance: 1.5, seconds: 2 };
    const other = { account: 'role eu-west-1', operation: 'GetStage', allowance: 3, seconds: 0 };
    const levels = async (account: string | null) => await sql.call('ivs_call_levels', { account });
    expect(await levels(null)).toEqual([
      { ...own, seconds: expect.closeTo(2, 2) },
      { ...other, seconds: expect.closeTo(0, 2) },
    ]);
    expect(await levels('own us-east-1')).toEqual([{ ...own, seconds: expect.closeTo(2, 2) }]);
  });
});

describe('sweep_ivs_calls', () => {
  test('deletes what does not count any more, and no more than the limit', async () => {
    await put({ tenant_id: 'ten_1', at: fromNow(-700_000) });
    await put({ tenant_id: 'ten_2', at: fromNow(-800_000) });
    await put({ tenant_id: 'ten_3', at: fromNow(-500_000) });
    const sweep = (most: number) => sql.value('sweep_ivs_calls', { limits: { ...limits, sweptAtOnce: most } });
    await sql.becomeService();
    expect(await sweep(1)).toBe('1');
    await sql.query('reset role');
    expect(await sql.query('select tenant_id from ivs_calls order by 1')).toEqual([
      { tenant_id: 'ten_1' },
      { tenant_id: 'ten_3' },
    ]);
    expect(await sweep(10)).toBe('1');
  });
});

describe('drop_ivs_calls_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['ivs_calls', { account: 'own', operation: 'GetStage', recent: 1, at: new Date() }],
    ];
    await expectDropped(sql, ['ivs_calls'], rows, (args) => sql.value('drop_ivs_calls_of_tenant', args));
  });
});
