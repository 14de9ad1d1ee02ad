/** What the console plots, and how long a ban of its choice is. */
import { isLength, minutesOf } from '../../console/src/acts/ban-length.ts';
import { domainOf } from '../../console/src/pages/plot-domain.ts';
import { largest } from '../../console/src/pages/presence.ts';
import { byHour, byReason } from '../../console/src/pages/refusals.ts';

const hour = 3_600_000;
const eight = Date.UTC(2026, 2, 1, 20);
const refused = (hoursBefore: number, reason: 'banned' | 'space_full', requests: number) => ({
  hour: new Date(eight - hoursBefore * hour).toISOString(),
  reason,
  requests,
});

test('each hour has its refusals, and those without any have none', () => {
  const counts = [
    refused(5, 'banned', 9),
    refused(2, 'banned', 3),
    refused(2, 'space_full', 4),
    refused(0, 'banned', 1),
  ];
  expect(byHour(counts, 4, eight + 59 * 60_000)).toEqual([
    { at: eight - 3 * hour, value: 0 },
    { at: eight - 2 * hour, value: 7 },
    { at: eight - hour, value: 0 },
    { at: eight, value: 1 },
  ]);
  expect(byHour([], 2, eight).map(({ value }) => value)).toEqual([0, 0]);
});

test('the most frequent reason comes first', () => {
  const counts = [refused(2, 'banned', 1), refused(2, 'space_full', 4), refused(0, 'banned', 9)];
  expect(byReason(counts)).toEqual([
    ['banned', 10],
    ['space_full', 4],
  ]);
});

test('the largest value is the first of its kind', () => {
  expect(largest([1, 3, 3, 2].map((value, at) => ({ at, value })))).toEqual({ at: 1, value: 3 });
});

test('the axis goes from the first point to the last, and around a single one', () => {
  expect(domainOf([{ at: eight }, { at: eight + 5 }])).toEqual([eight, eight + 5]);
  const [from, to] = domainOf([{ at: eight }]);
  expect([from < eight, to > eight, (from + to) / 2]).toEqual([true, true, eight]);
  expect(domainOf([{ at: eight }, { at: eight }])).toEqual([from, to]);
});

test.each<[Parameters<typeof minutesOf>[0], number | undefined, boolean]>([
  [{ length: 'ever', amount: 15, unit: 'minutes' }, undefined, true],
  [{ length: 'week', amount: 15, unit: 'minutes' }, 7 * 24 * 60, true],
  [{ length: 'other', amount: 15, unit: 'minutes' }, 15, true],
  [{ length: 'other', amount: 36, unit: 'hours' }, 36 * 60, true],
  [{ length: 'other', amount: 10 * 365, unit: 'days' }, 10 * 365 * 24 * 60, true],
  [{ length: 'other', amount: 10 * 365 + 1, unit: 'days' }, (10 * 365 + 1) * 24 * 60, false],
  [{ length: 'other', amount: 0, unit: 'days' }, 0, false],
  [{ length: 'other', amount: Number.NaN, unit: 'hours' }, Number.NaN, false],
  [{ length: 'other', amount: 1.5, unit: 'minutes' }, 1.5, false],
])('a ban of %j lasts %p minutes, which can be: %p', (length, minutes, can) => {
  expect([minutesOf(length), isLength(length)]).toEqual([minutes, can]);
});
