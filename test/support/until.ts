import { setTimeout as sleep } from 'node:timers/promises';
import { fullSize } from './full-size.ts';

/**
 * The longest that a test waits for anything, in milliseconds. It guards against hanging, so it is long enough for a
 * machine that is busy with other work. No test measures anything by it.
 */
export const patienceMs = fullSize ? 10 * 60_000 : 60_000;

/** Waits until a condition holds. Fails if it does not hold within `patienceMs`. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what}: did not come to hold within ${patienceMs} ms`);
    await sleep(20);
  }
}
