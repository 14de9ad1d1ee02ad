/** When a failed delivery is tried again, in seconds since its first attempt. After the last time it counts as failed. */
export const retryTimes = [
  10,
  60,
  5 * 60,
  30 * 60,
  ...[2, 5, 10, 20, 32, 44, 58, 72].map((hours) => hours * 3_600),
] as const;

/** The times differ by up to this part, so that what failed together is not repeated together. */
const jitter = 0.1;

/** Longest pause that a receiver can ask for with `Retry-After`, in seconds. */
export const longestPauseSeconds = 24 * 3_600;

/**
 * Seconds until the next attempt; undefined: there is none.
 * @param ageSeconds time since the first attempt.
 * @param random from 0 to 1.
 */
export function retryDelay(ageSeconds: number, random = Math.random()): number | undefined {
  const next = retryTimes.find((time) => time > ageSeconds);
  if (next === undefined) return undefined;
  return Math.max(1, (next - ageSeconds) * (1 + jitter * (2 * random - 1)));
}

/**
 * Reads `Retry-After`: seconds, or a date (RFC 9110, 10.2.3). Returns seconds, `longestPauseSeconds` at most; undefined: it
 * is absent or no such value.
 */
export function pauseOf(header: string | string[] | undefined, now: Date): number | undefined {
  if (typeof header !== 'string') return undefined;
  const seconds = /^\d{1,10}$/.test(header) ? Number(header) : (Date.parse(header) - now.getTime()) / 1_000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(seconds, longestPauseSeconds) : undefined;
}
