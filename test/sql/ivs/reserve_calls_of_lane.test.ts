/** `reserve_calls_of_lane`: what a lane is granted of its own rate, and what it borrows from moderation. */
import { refuseToWait } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

/** With a rate of none, nothing comes in while the test runs. */
const request = {
  account: 'own',
  operation: 'GetStage',
  lane: 'tenants',
  wanted: 1,
  rate: 0,
  burst: 2,
  moderation: { rate: 0, burst: 6 } as object | null,
  leave: 3,
};

const reserve = (changed: Partial<typeof request> = {}) =>
  sql.value<number>('reserve_calls_of_lane', { ...request, ...changed });

async function left(operation: string): Promise<number | undefined> {
  const [row] = await sql.query<{ allowance: number }>('select allowance from pacing where operation = $1', [
    operation,
  ]);
  return row?.allowance;
}

describe('reserve_calls_of_lane', () => {
  test('grants calls of the rate of the tenants first, and then some of moderation’s', async () => {
    expect(await reserve({ wanted: 2 })).toBe(2);
    expect([await left('GetStage for tenants'), await left('GetStage')]).toEqual([0, undefined]);
    expect(await reserve({ wanted: 2 })).toBe(2);
    expect([await left('GetStage for tenants'), await left('GetStage')]).toEqual([0, 4]);
  });

  test('leaves calls for moderation, however many are wanted', async () => {
    expect(await reserve({ wanted: 100 })).toBe(2 + 6 - 3);
    expect(await reserve({ wanted: 100 })).toBe(0);
    const kept = { account: 'own', operation: 'GetStage', wanted: 3, least: 3, leave: 0, rate: 0, burst: 6 };
    expect(await sql.value('reserve_calls', kept)).toBe(3);
  });

  test('grants what tenants have of their own also when moderation has used up all it has', async () => {
    await sql.insert('pacing', { account: 'own', operation: 'GetStage', allowance: 0, at: inSeconds(0) });
    expect(await reserve({ wanted: 100 })).toBe(2);
    expect(await left('GetStage')).toBe(0);
  });

  test('has a rate for each lane, and lends both of them from the one of moderation', async () => {
    expect(await reserve({ wanted: 2 })).toBe(2);
    expect(await reserve({ wanted: 100, lane: 'presence' })).toBe(2 + 6 - 3);
    expect(await reserve({ wanted: 100 })).toBe(0);
    expect([await left('GetStage for tenants'), await left('GetStage for presence')]).toEqual([0, 0]);
  });

  test('borrows nothing for an operation that moderation does not call', async () => {
    expect(await reserve({ operation: 'CreateStage', wanted: 100, moderation: null })).toBe(2);
    expect(await left('CreateStage')).toBeUndefined();
  });

  test('is for the service, which cannot take calls of moderation otherwise', async () => {
    await sql.become('stagedoor_test_service');
    expect(await reserve()).toBe(1);
    await refuseToWait(sql);
    await expect(sql.query('select * from pacing')).rejects.toMatchObject({ code: '42501' });
  });
});
