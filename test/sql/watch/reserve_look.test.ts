/** `reserve_look`: which calls one step of a look at a stage reserves, and when there are too few. */
import { expectRefusedToService, list } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const reserve = (wanted: number, begins: boolean) =>
  sql.value<number>('reserve_look', { account: 'own', wanted, begins, rate: 0, burst: 4 });

const left = () => list(sql, `select operation || ' ' || allowance from pacing order by 1`);

describe('reserve_look', () => {
  test.each<[string, number, boolean, string[]]>([
    ['one call of each operation to begin with', 1, true, ['GetStage 3', 'ListParticipants 3']],
    ['more ListParticipants than one', 3, true, ['GetStage 3', 'ListParticipants 1']],
    ['no GetStage to go on', 3, false, ['ListParticipants 1']],
  ])('reserves %s', async (_, wanted, begins, rest) => {
    expect(await reserve(wanted, begins)).toBe(wanted);
    expect(await left()).toEqual(rest);
  });

  test.each<[string, string, number, boolean, number]>([
    ['fewer ListParticipants than wanted', 'ListParticipants', 2, true, 2],
    ['no ListParticipants', 'ListParticipants', 0, true, 0],
    ['no GetStage', 'GetStage', 0, true, 0],
    ['no GetStage, to go on', 'GetStage', 0, false, 3],
  ])('with %s left answers how many it has reserved', async (_, operation, allowance, begins, reserved) => {
    await sql.insert('pacing', { account: 'own', operation, allowance, at: inSeconds(0) });
    expect(await reserve(3, begins)).toBe(reserved);
  });

  test('keeps no ListParticipants if there is no GetStage', async () => {
    await sql.insert('pacing', { account: 'own', operation: 'GetStage', allowance: 0, at: inSeconds(0) });
    await reserve(3, true);
    expect(await left()).toEqual(['GetStage 0', 'ListParticipants 4']);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, () => reserve(1, true));
  });
});
