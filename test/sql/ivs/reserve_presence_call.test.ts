/** `reserve_presence_call`: what looks at who is on a stage have of their own, and what they borrow from moderation. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

/** With a rate of none, nothing comes in while the test runs. */
const reserve = (moderation: object | null) =>
  sql.value<boolean>('reserve_presence_call', {
    account: 'own',
    operation: 'GetStage',
    rate: 0,
    burst: 1,
    moderation,
    leave: 3,
  });

describe('reserve_presence_call', () => {
  test('grants calls of its own rate first, then some of moderation’s, and leaves it calls', async () => {
    const lent = { rate: 0, burst: 5 };
    expect([await reserve(lent), await reserve(lent), await reserve(lent), await reserve(lent)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    const kept = { account: 'own', operation: 'GetStage', wanted: 3, least: 3, leave: 0, rate: 0, burst: 5 };
    expect(await sql.value('reserve_calls', kept)).toBe(3);
  });

  test('borrows nothing for an operation that moderation does not call', async () => {
    expect([await reserve(null), await reserve(null)]).toEqual([true, false]);
  });
});
