/** The functions that count refused requests for tokens. */
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, limitsWith, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const hourMs = 3_600_000;
const put = (row: object) =>
  sql.insert('refusals', { tenant_id: 'ten_a', reason: 'banned', requests: 1, hour: fromNow(0), ...row });

describe('note_refusals', () => {
  const note = (noted: [tenant: string, reason: string, requests: number][]) =>
    sql.call('note_refusals', {
      tenants: noted.map(([tenant]) => tenant),
      reasons: noted.map(([, reason]) => reason),
      requests: noted.map(([, , requests]) => requests),
    });
  const counts = async () => {
    await sql.query('reset role');
    return await sql.query(
      `select tenant_id, reason, requests::int, hour = date_trunc('hour', now(), 'UTC') as "isNow"
       from refusals order by hour desc, tenant_id, reason`,
    );
  };

  test('adds to what was noted in this hour, of each tenant and reason', async () => {
    await sql.becomeService();
    await note([
      ['ten_b', 'banned', 2],
      ['ten_a', 'space_full', 1],
    ]);
    await note([['ten_b', 'banned', 3]]);
    expect(await counts()).toEqual([
      { tenant_id: 'ten_a', reason: 'space_full', requests: 1, isNow: true },
      { tenant_id: 'ten_b', reason: 'banned', requests: 5, isNow: true },
    ]);
  });

  test('leaves the hours before as they are, and notes nothing of nothing', async () => {
    await put({ hour: fromNow(-2 * hourMs), requests: 7 });
    await sql.becomeService();
    await note([]);
    await note([['ten_a', 'banned', 1]]);
    expect((await counts()).map(({ requests }) => requests)).toEqual([1, 7]);
  });
});

describe('drop_old_refusals', () => {
  test('deletes hours that are too old, the oldest first and no more than the limit', async () => {
    const days = limits.refusalDays * 24 * hourMs;
    await put({ tenant_id: 'ten_1', hour: fromNow(-days - 2 * hourMs) });
    await put({ tenant_id: 'ten_2', hour: fromNow(-days - 3 * hourMs) });
    await put({ tenant_id: 'ten_3', hour: fromNow(-days + hourMs) });
    const drop = (most: number) => sql.value('drop_old_refusals', { limits: limitsWith({ sweptAtOnce: most }) });
    await sql.becomeService();
    expect(await drop(1)).toBe('1');
    await sql.query('reset role');
    expect(await sql.query('select tenant_id from refusals order by 1')).toEqual([
      { tenant_id: 'ten_1' },
      { tenant_id: 'ten_3' },
    ]);
    expect(await drop(10)).toBe('1');
    expect(await drop(10)).toBe('0');
  });
});

describe('drop_refusals_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['refusals', { hour: new Date(), reason: 'banned', requests: 1 }],
      ['refusals', { hour: new Date(), reason: 'rate_limited', requests: 1 }],
    ];
    await expectDropped(sql, ['refusals'], rows, (args) => sql.value('drop_refusals_of_tenant', args));
  });
});
