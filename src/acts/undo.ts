import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import type { ModerationDatabase, Tx } from '../database/database.ts';
import { runIn, valueIn } from '../database/sql-call.ts';
import { areUnderWay } from '../delivery/deliveries.ts';
import { leaseSeconds } from '../delivery/delivery.ts';
import { limits } from '../limits.ts';

/** Longest time of an undoing transaction, in milliseconds. An act against ten thousand people has as many holds to end. */
const undoTimeoutMs = 20_000;

/** An undoing that waits for a call on its way to IVS keeps other deliveries from beginning for this time, in seconds. */
const holdBackSeconds = 1;

/** Time between two tries of an undoing, in milliseconds. */
const retryMs = 50;

/**
 * Cancels the open deliveries of actions and ends their holds, so that no late call disconnects a user who may be there
 * again. Call it in a transaction of `undo` that has written nothing before.
 *
 * @param why becomes the `lastError` of the cancelled deliveries.
 * @returns false while IVS may still carry out a call of the actions. Then nothing is cancelled, and no other delivery of theirs
 * begins for a second. The caller tries again.
 */
export async function cancelActions(tx: Tx, tenantId: string, actionIds: string[], why: string): Promise<boolean> {
  const actions = { tenant: tenantId, actions: actionIds };
  await runIn(tx, 'lock_watches_of_actions', actions);
  await runIn(tx, 'lock_actions', actions);
  if (await areUnderWay(tx, tenantId, actionIds, leaseSeconds)) {
    await runIn(tx, 'hold_back_actions', { ...actions, for: `${holdBackSeconds} seconds` });
    return false;
  }
  for (const action of actionIds) {
    let isComplete: boolean;
    do {
      isComplete = await valueIn(tx, 'cancel_action', { tenant: tenantId, action, why, limits }, z.boolean());
    } while (!isComplete);
  }
  return true;
}

/**
 * Undoes an act. It tries again while IVS may still carry out a call of the act. That is known as soon as IVS answers, and
 * after `limits.callLandsSeconds` at the latest.
 * @param tryToUndo returns undefined to be tried again in a new transaction.
 * @returns what `tryToUndo` returned.
 */
export async function undo<T>(
  database: ModerationDatabase,
  caller: TenantCaller,
  tryToUndo: (tx: Tx) => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    const undone = await database.inTenantOf(caller, tryToUndo, undoTimeoutMs);
    if (undone !== undefined) return undone;
    await sleep(retryMs);
  }
}
