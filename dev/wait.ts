import { setTimeout as delay } from 'node:timers/promises';

import type { Child } from './children.ts';
import { UserError } from './user-error.mjs';

/** Waits for a condition, for a minute at most. If the child ends meanwhile, `Running` ends everything. */
export async function until(condition: () => Promise<boolean>, child: Child, otherwise: string): Promise<void> {
  for (const since = performance.now(); performance.now() - since < 60_000; await delay(50)) {
    if (await condition().catch(() => false)) return;
  }
  throw new UserError(`The ${child.name} ${otherwise} after a minute. Its log: ${child.logFile}`);
}
