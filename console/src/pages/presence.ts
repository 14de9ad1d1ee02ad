import type { Attendance } from '../types.ts';

/** A value at a time. */
export interface Point {
  /** In milliseconds since 1970. */
  at: number;
  value: number;
}

/** The first of the points with the largest value. */
export function largest(points: Point[]): Point {
  return points.reduce((best, point) => (point.value > best.value ? point : best), { at: 0, value: 0 });
}

/**
 * How many people were there after each coming and going, from who came when and left when. Who came back counts for the time
 * between, too. @param end until when it is known, in milliseconds since 1970
 */
export function presenceOf(people: Pick<Attendance, 'joinedAt' | 'leftAt'>[], end: number): Point[] {
  const changes = people.flatMap(({ joinedAt, leftAt }): [number, number][] => [
    [Date.parse(joinedAt), 1],
    ...(leftAt === null ? [] : [[Date.parse(leftAt), -1] as [number, number]]),
  ]);
  changes.sort(([a], [b]) => a - b);
  const points: Point[] = [];
  let value = 0;
  for (const [at, change] of changes) {
    value += change;
    if (points.at(-1)?.at === at) points.pop();
    points.push({ at, value });
  }
  const last = points.at(-1);
  if (last && last.at < end) points.push({ at: end, value: last.value });
  return points;
}
