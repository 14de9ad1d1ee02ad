/** `reserve_look`: which calls one look at a stage reserves, and when there are too few. */
import { list } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const reserve = (users: number) =>
  sql.value<boolean>('reserve_look', { account: 'own', users, byName: 3, rate: 0, burst: 4 });

const left = () => list(sql, `select operation || ' ' || allowance from pacing order by 1`);

describe('reserve_look', () => {
  test.each([
    ['one call of each operation for one person', 1, ['GetStage 3', 'ListParticipants 3']],
    ['a ListParticipants for each of three people', 3, ['GetStage 3', 'ListParticipants 1']],
    ['as many ListParticipants for more people', 50, ['GetStage 3', 'ListParticipants 1']],
    ['nothing for nobody', 0, []],
  ])('reserves %s', async (_, users, rest) => {
    expect(await reserve(users)).toBe(true);
    expect(await left()).toEqual(rest);
  });

  test.each<[string, number, string, number, boolean]>([
    ['too few ListParticipants for three people', 3, 'ListParticipants', 2, false],
    ['one ListParticipants for many people', 50, 'ListParticipants', 1, true],
    ['no ListParticipants', 1, 'ListParticipants', 0, false],
    ['no GetStage', 1, 'GetStage', 0, false],
    ['no calls, and nobody to look for', 0, 'ListParticipants', 0, true],
  ])('with %s left answers whether the look may be made', async (_, users, operation, allowance, may) => {
    await sql.insert('pacing', { account: 'own', operation, allowance, at: inSeconds(0) });
    expect(await reserve(users)).toBe(may);
  });
});
