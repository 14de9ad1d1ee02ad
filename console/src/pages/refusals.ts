import type { RefusalCounts } from '../types.ts';
import type { Point } from './presence.ts';

type Counts = Pick<RefusalCounts['data'][number], 'hour' | 'reason' | 'requests'>[];

const hourMs = 3_600_000;

/**
 * How many requests were refused in each of the last hours, those without any included, the oldest first.
 * @param now in milliseconds since 1970
 */
export function byHour(counts: Counts, hours: number, now: number): Point[] {
  const last = Math.floor(now / hourMs) * hourMs;
  const sums = new Map<number, number>();
  for (const { hour, requests } of counts) sums.set(Date.parse(hour), (sums.get(Date.parse(hour)) ?? 0) + requests);
  return Array.from({ length: hours }, (_, n) => last - (hours - 1 - n) * hourMs).map((at) => ({
    at,
    value: sums.get(at) ?? 0,
  }));
}

/** How many requests were refused for each reason, the most frequent first. */
export function byReason(counts: Counts): [string, number][] {
  const sums = new Map<string, number>();
  for (const { reason, requests } of counts) sums.set(reason, (sums.get(reason) ?? 0) + requests);
  return [...sums].sort(([, a], [, b]) => b - a);
}
