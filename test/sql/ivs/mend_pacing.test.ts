import { expectRefusedToService } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

describe('mend_pacing', () => {
  test('what was left at a time to come is left now; other rates stay', async () => {
    await sql.insert('pacing', { account: 'own', operation: 'ahead', allowance: 2, at: inSeconds(600) });
    await sql.insert('pacing', { account: 'own', operation: 'past', allowance: 1, at: inSeconds(-60) });
    await sql.call('mend_pacing', {});
    const rows = await sql.query(
      `select operation, allowance, at between now() and clock_timestamp() as is_now from pacing order by operation`,
    );
    expect(rows).toEqual([
      { operation: 'ahead', allowance: 2, is_now: true },
      { operation: 'past', allowance: 1, is_now: false },
    ]);
  });

  test('the serving role may not call it', async () => {
    await expectRefusedToService(sql, () => sql.call('mend_pacing', {}));
  });
});
