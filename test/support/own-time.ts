/** Measures what this process does, without the time in which a busy machine lets it wait. */

const tickMs = 10;

/**
 * Fails unless `work` ends within so many milliseconds. Only the time counts in which this process got its turns: a timer
 * ticks, and what it is late by is left out. So this measures how long the service waits, not how long it computes.
 */
export async function inTime<T>(withinMs: number, work: () => Promise<T>): Promise<T> {
  let waitedMs = 0;
  const timer = setInterval(() => (waitedMs += tickMs), tickMs);
  try {
    const result = await work();
    expect(waitedMs).toBeLessThan(withinMs);
    return result;
  } finally {
    clearInterval(timer);
  }
}

/** Milliseconds of processor time that this process used for `work` and for what it did beside it. */
export async function cpuMsOf(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}
