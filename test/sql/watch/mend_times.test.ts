/** `mend_times`: what is due too late after the clock of the database was set back is due now, for all tenants. */
import { limits } from '../../../src/limits.ts';
import { insertDelivery, insertHold, insertTwoTenants, insertWatch } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const mend = () => sql.call('mend_times', { lease: '15 seconds', backoff: '30 seconds', limits });

describe('mend_times', () => {
  test('a replica mends watches, their holds, deliveries and rates that lie too far ahead', async () => {
    await insertWatch(sql, { next_at: inSeconds(600), leased_until: inSeconds(600) });
    await insertHold(sql, { kind: 'stage', watch_for: 'demoted', watch_from: inSeconds(600) });
    await insertDelivery(sql, { next_at: inSeconds(600) });
    await sql.insert('pacing', { account: 'own', operation: 'SendEvent', allowance: 2, at: inSeconds(600) });
    await sql.become('stagedoor_test_service');
    await mend();
    await sql.query('reset role');
    const late = await sql.query(
      `select 'watch' as what from watches where next_at > clock_timestamp() or leased_until > clock_timestamp()
       union all select 'hold' from holds where watch_from > clock_timestamp()
       union all select 'delivery' from deliveries where next_at > clock_timestamp()
       union all select 'rate' from pacing where at > clock_timestamp()`,
    );
    expect(late).toEqual([]);
  });

  test('what is planned for soon stays', async () => {
    await insertWatch(sql, { next_at: inSeconds(25), leased_until: inSeconds(14) });
    await insertHold(sql, { kind: 'stage', watch_for: 'demoted', watch_from: inSeconds(12) });
    await mend();
    const planned = await sql.query(
      `select round(extract(epoch from w.next_at - now()))::int as next,
              round(extract(epoch from w.leased_until - now()))::int as leased,
              round(extract(epoch from h.watch_from - now()))::int as "from" from watches w, holds h`,
    );
    expect(planned).toEqual([{ next: 25, leased: 14, from: 12 }]);
  });
});
