/** The functions that read limits. */
import { SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const missing: [string, object][] = [
  ['a limit that is not there', { other: 3 }],
  ['a limit that is null', { most: null }],
  ['no limits at all', {}],
];

describe('limit_count', () => {
  test.each([3, 0, 1_000_000])('reads %d', async (count) => {
    expect(await sql.value('limit_count', { limits: { most: count, other: 7 }, name: 'most' })).toBe(count);
  });

  test.each(missing)('raises an error about %s', async (_, limits) => {
    await expect(sql.value('limit_count', { limits, name: 'most' })).rejects.toThrow('the limit most was not passed');
  });

  test.each(['many', '1.5', ''])('raises an error about a limit that is no whole number: %p', async (most) => {
    await expect(sql.value('limit_count', { limits: { most }, name: 'most' })).rejects.toThrow(
      'invalid input syntax for type integer',
    );
  });
});

describe('limit_time', () => {
  test.each<[number, Record<string, number>]>([
    [0, {}],
    [1, { seconds: 1 }],
    [0.25, { milliseconds: 250 }],
    [90, { minutes: 1, seconds: 30 }],
    [15 * 24 * 3600, { hours: 360 }],
  ])('reads %d as seconds', async (seconds, time) => {
    const read = await sql.value<object>('limit_time', { limits: { most: seconds, other: 7 }, name: 'most' });
    expect({ ...read }).toEqual(time);
  });

  test.each(missing)('raises an error about %s', async (_, limits) => {
    await expect(sql.value('limit_time', { limits, name: 'most' })).rejects.toThrow('the limit most was not passed');
  });
});
