import { setTimeout as sleep } from 'node:timers/promises';
import { fullSize } from './full-size.ts';

/**
 * The longest that a test waits for anything, in milliseconds. It guards against hanging, so it is long enough for a
 * machine that is busy with other work. No test measures anything by it.
 */
export const patienceMs = fullSize ? 10 * 60_000 : 60_000;

/**
 * Waits until a condition holds. Fails if it does not hold within `patienceMs`. Most conditions ask the service or Postgres, and take
 * processor time from what they wait for. So what has lasted long is looked at less often: each pause is a twentieth of the time so far.
 */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const begun = Date.now();
  while (!(await condition())) {
    const waited = Date.now() - begun;
    if (waited > patienceMs) throw new Error(`${what}: did not come to hold within ${patienceMs} ms`);
    await sleep(Math.min(Math.max(20, waited / 20), 250));
  }
}
