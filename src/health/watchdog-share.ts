/**
 * How much of Postgres the watchdog uses. All replicas together have one hundredth of a core, whatever there is to check: a turn
 * begins no step after its time, and the longer it took, the later the next one begins.
 */

/** Time from the beginning of a turn to that of the next, of all replicas together, in milliseconds. */
export const turnEveryMs = 15_000;

/** A turn begins no check of bans, or of counts of users, after so long, in milliseconds. */
export const checkMs = { bans: 80, counts: 20 };

/** A turn is the hundredth part of the time until the next. It takes a connection, and so a core at most. */
const oneOf = 100;

/**
 * The longest wait after a turn, in milliseconds: as long as after one statement that ran into its time limit of two seconds. So
 * the watchdog comes back soon after Postgres was slow.
 */
export const longestWaitMs = 200_000;

/** Time after a turn of this length in which no other begins, in milliseconds. */
export function waitAfter(turnMs: number): number {
  return Math.min((oneOf - 1) * turnMs, longestWaitMs);
}

/** Number of bans that a step begins with, on a replica that does not know yet how long that takes. */
export const bansAtFirst = 64;
const mostBans = 1_000;
const stepMs = 40;

/**
 * Number of bans for the next step: as many as take `stepMs`, but twice as many as now at most.
 * @param tookMs what the step with `bans` took.
 */
export function bansAfter(bans: number, tookMs: number): number {
  const inTime = tookMs > 0 ? Math.floor((bans * stepMs) / tookMs) : mostBans;
  return Math.max(1, Math.min(2 * bans, inTime, mostBans));
}

/** Number of bans after a step that failed, perhaps because it took too long. */
export function bansAfterFailure(bans: number): number {
  return Math.ceil(bans / 4);
}

/**
 * Takes steps until one says that it was the last, or until no step may begin any more. The first one begins always.
 * @param now the time in milliseconds.
 */
export async function stepsWithin(
  ms: number,
  step: () => Promise<boolean>,
  now: () => number = () => performance.now(),
): Promise<void> {
  const deadline = now() + ms;
  do if (await step()) return;
  while (now() < deadline);
}
