import type { Point } from './presence.ts';

/** So much time is shown around a single point, in milliseconds. */
const aroundOneMs = 60_000;

/**
 * The ends of the axis of time: those of the points. An axis from a time to the same time has no place for marks, so one moment is
 * shown with the half minute before and after it. @param points in the order of their times; at least one
 */
export function domainOf(points: Pick<Point, 'at'>[]): [number, number] {
  const from = points[0]?.at ?? 0;
  const to = points.at(-1)?.at ?? 0;
  return to > from ? [from, to] : [from - aroundOneMs / 2, from + aroundOneMs / 2];
}
