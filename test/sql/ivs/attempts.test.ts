/** `reserve_attempt` and `return_attempt`: what fails counts, what succeeds does not. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.become('stagedoor_test_service');
});
afterEach(() => sql.rollback());

/** With a rate of none, nothing comes in while the test runs. */
const reserve = (tenant = 'ten') => sql.value<boolean>('reserve_attempt', { tenant, rate: 0, burst: 2 });
const giveBack = (tenant = 'ten') => sql.call('return_attempt', { tenant });

describe('reserve_attempt', () => {
  test('allows so many attempts, and no tenant uses those of another', async () => {
    expect([await reserve(), await reserve(), await reserve()]).toEqual([true, true, false]);
    expect(await reserve('ten_other')).toBe(true);
  });

  test('allows a new attempt after a while', async () => {
    expect([await reserve(), await reserve()]).toEqual([true, true]);
    await sql.query('reset role');
    await sql.query(`update pacing set at = at - interval '1 hour'`);
    await sql.become('stagedoor_test_service');
    expect(await sql.value<boolean>('reserve_attempt', { tenant: 'ten', rate: 0.001, burst: 2 })).toBe(true);
  });
});

describe('return_attempt', () => {
  test('returns one attempt to its tenant', async () => {
    for (const tenant of ['ten', 'ten', 'ten_other', 'ten_other']) await reserve(tenant);
    await giveBack();
    expect([await reserve(), await reserve()]).toEqual([true, false]);
    expect(await reserve('ten_other')).toBe(false);
  });

  test('never saves up more than the most', async () => {
    await reserve();
    for (let n = 0; n < 5; n++) await giveBack();
    expect([await reserve(), await reserve(), await reserve()]).toEqual([true, true, false]);
  });
});
