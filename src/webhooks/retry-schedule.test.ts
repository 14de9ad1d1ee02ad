import { longestPauseSeconds, pauseOf, retryDelay, retryTimes } from './retry-schedule.ts';

const hour = 3_600;

it('repeats a failed delivery for three days, and ten seconds after the first failure at the earliest', () => {
  expect(retryTimes[0]).toBe(10);
  expect(retryTimes.at(-1)).toBe(72 * hour);
  expect(retryTimes.toSorted((one, other) => one - other)).toEqual(retryTimes);
});

it.each([
  [0.2, 9.8],
  [5, 5],
  [9.9, 1],
  [11, 49],
  [60, 240],
  [70 * hour, 2 * hour],
  [72 * hour, undefined],
  [100 * hour, undefined],
])('%d seconds after the first attempt, the next one comes after %d', (age, delay) => {
  if (delay === undefined) expect(retryDelay(age)).toBeUndefined();
  else expect(retryDelay(age, 0.5)).toBeCloseTo(delay, 5);
});

it('differs by a tenth at most', () => {
  const delays = Array.from({ length: 1_000 }, () => retryDelay(60) ?? 0);
  expect(Math.min(...delays)).toBeGreaterThanOrEqual(216);
  expect(Math.max(...delays)).toBeLessThanOrEqual(264);
  expect(new Set(delays).size).toBeGreaterThan(100);
});

it.each([
  ['120', 120],
  ['Thu, 01 Jan 2026 00:02:00 GMT', 120],
  ['999999999', longestPauseSeconds],
  ['Thu, 01 Jan 2099 00:00:00 GMT', longestPauseSeconds],
  ['0', undefined],
  ['-5', undefined],
  ['Wed, 31 Dec 2025 23:00:00 GMT', undefined],
  ['soon', undefined],
  ['1e3', undefined],
  ['', undefined],
  [undefined, undefined],
  [['5', '6'], undefined],
])('Retry-After %j asks for %j seconds', (header, seconds) => {
  expect(pauseOf(header, new Date('2026-01-01T00:00:00Z'))).toBe(seconds);
});
