/** Calls that were reserved and not made, and whether any are left. */
import { expectRefusedToService, list } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const pacing = (allowance: number, row = {}) =>
  sql.insert('pacing', { account: 'own', operation: 'ListParticipants', allowance, at: inSeconds(0), ...row });

describe('return_calls', () => {
  const giveBack = (calls: number) =>
    sql.call('return_calls', { account: 'own', operation: 'ListParticipants', calls, burst: 4 });

  test.each([
    ['what was not made', 2, 3],
    ['nothing', 0, 1],
    ['nothing for a negative number', -1, 1],
    ['no more than can be saved up', 9, 4],
  ])('gives back %s', async (_, calls, left) => {
    await pacing(1);
    await pacing(1, { operation: 'GetStage' });
    await pacing(1, { account: 'other' });
    await giveBack(calls);
    expect(await list(sql, 'select allowance from pacing order by account = $1, operation', ['own'])).toEqual([
      1,
      1,
      left,
    ]);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, () => giveBack(1));
  });
});

describe('calls_are_left', () => {
  const areLeft = (rate = 0) => sql.value('calls_are_left', { account: 'own', operation: 'ListParticipants', rate });

  test.each([
    ['one call', 1, true],
    ['less than one', 0.9, false],
    ['none', 0, false],
  ])('says so with %s', async (_, allowance, are) => {
    await pacing(allowance);
    expect(await areLeft()).toBe(are);
  });

  test('counts what has come in since', async () => {
    await pacing(0, { at: inSeconds(-3600) });
    expect(await areLeft(1)).toBe(true);
  });

  test('takes nothing away for a time that lies ahead, after the clock was set back', async () => {
    await pacing(1, { at: inSeconds(3600) });
    expect(await areLeft(1)).toBe(true);
  });

  test('says so if none were ever made', async () => {
    expect(await areLeft()).toBe(true);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, areLeft);
  });
});
