/** `mend_delivery_times`, as a table: when a delivery was due or leased, and when it is due after the clock was set back. */
import { limits } from '../../../src/limits.ts';
import { expectRefusedToService, insertDelivery, insertTwoTenants } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const mend = () => sql.call('mend_delivery_times', { lease: '15 seconds', backoff: '30 seconds', limits });

describe('mend_delivery_times', () => {
  const followUpAt = limits.chatConnectSeconds + limits.followUpSeconds;

  test.each<[string, Record<string, unknown>, number, number]>([
    ['that is due', { next_at: inSeconds(-5) }, -5, 0],
    ['that waits for its repetition', { next_at: inSeconds(29), attempts: 3 }, 29, 0],
    ['from a time to come', { next_at: inSeconds(600) }, 0, 0],
    ['that is repeated at a time to come', { next_at: inSeconds(600), attempts: 1, follow_up: true }, 0, 0],
    ['that is refused', { next_at: inSeconds(600), attempts: 1, state: 'stuck' }, 0, 0],
    ['that follows up', { next_at: inSeconds(60), follow_up: true }, 60, 0],
    ['that follows up far ahead', { next_at: inSeconds(3_600), follow_up: true }, followUpAt, 0],
    ['that is leased', { next_at: inSeconds(-5), leased_until: inSeconds(14) }, -5, 14],
    ['that is leased too long', { next_at: inSeconds(-5), leased_until: inSeconds(600) }, -5, 0],
    ['that is done', { next_at: inSeconds(600), leased_until: inSeconds(600), state: 'done' }, 600, 600],
  ])('a delivery %s', async (_what, row, nextIn, leasedFor) => {
    await insertDelivery(sql, row);
    await mend();
    const [found] = await sql.query(
      `select round(extract(epoch from next_at - now()))::int as next,
              round(greatest(0, extract(epoch from leased_until - now())))::int as leased from deliveries`,
    );
    // The function takes the time while it runs, and the row has that of the transaction.
    expect(Math.abs(Number(found?.['next']) - nextIn)).toBeLessThanOrEqual(5);
    expect(found?.['leased']).toBe(leasedFor);
  });

  test.each<[string, Record<string, unknown>, number]>([
    ['may land a little longer', { lands_until: inSeconds(8), state: 'done' }, 8],
    ['may land at a time to come', { lands_until: inSeconds(3_600), state: 'done' }, limits.callLandsSeconds],
    ['was under way', { leased_until: inSeconds(3_600) }, limits.callLandsSeconds],
  ])('a call that %s', async (_what, row, landsFor) => {
    await insertDelivery(sql, row);
    await mend();
    const [found] = await sql.query('select extract(epoch from lands_until - now())::float8 as lands from deliveries');
    expect(Math.abs(Number(found?.['lands']) - landsFor)).toBeLessThanOrEqual(5);
  });

  test('the serving role may not call it', async () => {
    await expectRefusedToService(sql, mend);
  });
});
