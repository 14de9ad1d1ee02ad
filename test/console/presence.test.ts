/** How many people were there over time, as the console counts it. */
import { presenceOf } from '../../console/src/pages/presence.ts';

const at = (second: number) => Date.UTC(2026, 2, 1, 19, 0, second);
const person = (from: number, to: number | null) => ({
  joinedAt: new Date(at(from)).toISOString(),
  leftAt: to === null ? null : new Date(at(to)).toISOString(),
});

test.each<[string, [number, number | null][], [number, number][]]>([
  ['nobody', [], []],
  [
    'who stays',
    [[0, null]],
    [
      [0, 1],
      [9, 1],
    ],
  ],
  [
    'who comes and goes',
    [
      [0, 5],
      [2, 9],
    ],
    [
      [0, 1],
      [2, 2],
      [5, 1],
      [9, 0],
    ],
  ],
  [
    'who comes as another goes',
    [
      [0, 4],
      [4, null],
    ],
    [
      [0, 1],
      [4, 1],
      [9, 1],
    ],
  ],
  [
    'two who come at once',
    [
      [1, null],
      [1, null],
    ],
    [
      [1, 2],
      [9, 2],
    ],
  ],
])('%s', (_, people, points) => {
  const found = presenceOf(
    people.map(([from, to]) => person(from, to)),
    at(9),
  );
  expect(found.map(({ at: time, value }) => [(time - at(0)) / 1_000, value])).toEqual(points);
});
