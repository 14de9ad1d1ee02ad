import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

describe('oldest_unfinished_action', () => {
  test('is zero when every action has treated its grants', async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act', requested_at: inSeconds(-900) });
    expect(await sql.value('oldest_unfinished_action')).toBe(0);
  });

  test('is the age of the oldest one of all tenants that has not, since it was asked for', async () => {
    for (const [tenant_id, ago] of [
      ['ten', 100],
      ['ten_other', 300],
    ] as const) {
      await sql.insert('tenants', { id: tenant_id });
      await sql.insert('actions', { tenant_id, id: 'act', requested_at: inSeconds(-ago) });
      await sql.insert('unfinished_actions', { tenant_id, action_id: 'act' });
    }
    expect(Math.round((await sql.value<number>('oldest_unfinished_action')) / 10)).toBe(30);
  });
});
