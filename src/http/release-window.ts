import { setTimeout as sleep } from 'node:timers/promises';
import { limits } from '../limits.ts';

/**
 * Waits until no token can leave any more that was decided on before now. A token leaves within the limit
 * `releaseWindowSeconds` of its last check, or never. An answer that says that nobody gets tokens any more waits for this
 * after its transaction.
 */
export async function tokensHaveLeft(): Promise<void> {
  await sleep(limits.releaseWindowSeconds * 1_000);
}
