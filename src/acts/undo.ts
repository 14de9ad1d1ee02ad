import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import type { Database, ModerationDatabase, Tx } from '../database/database.ts';
import { runIn, valueIn } from '../database/sql-call.ts';
import { areUnderWay } from '../delivery/deliveries.ts';
import { leaseSeconds } from '../delivery/delivery.ts';
import { limits } from '../limits.ts';

/** Longest an undoing takes, in milliseconds: an act against ten thousand people has as many holds to end. */
const undoTimeoutMs = 20_000;

/** Longest a call to IVS takes, in seconds, counted from its lease: the deadline of the call and the way to it. */
const callSeconds = 4.5;

/** No other delivery begins for so long, in seconds, while an undoing waits for a call that is on its way. */
const heldBackSeconds = 1;

/** Milliseconds between two tries of an undoing. */
const retryMs = 50;

/**
 * Cancels what actions still want of IVS and ends their holds, so that no late call hits a user who is lawful again.
 *
 * The transaction is one of `undo`, and has written nothing before.
 * @param why goes into the cancelled deliveries.
 * @returns false while a call of theirs is on its way to IVS. Then nothing is cancelled, no other delivery of theirs begins
 *   for a moment, and the caller tries again.
 */
export async function cancelActions(tx: Tx, tenantId: string, actionIds: string[], why: string): Promise<boolean> {
  const actions = { tenant: tenantId, actions: actionIds };
  await runIn(tx, 'lock_watches_of_actions', actions);
  await runIn(tx, 'lock_actions', actions);
  if (await areUnderWay(tx, tenantId, actionIds, leaseSeconds, callSeconds)) {
    await runIn(tx, 'hold_back_actions', { ...actions, for: `${heldBackSeconds} seconds` });
    return false;
  }
  for (const action of actionIds) {
    let isAll: boolean;
    do {
      isAll = await valueIn(tx, 'cancel_action', { tenant: tenantId, action, why, limits }, z.boolean());
    } while (!isAll);
  }
  return true;
}

/** Undoes an act: tries until none of its calls is on its way to IVS any more, which takes seconds at most. */
export async function undo<T>(
  database: Database | ModerationDatabase,
  caller: TenantCaller,
  tryToUndo: (tx: Tx) => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    const undone = await database.inTenantOf(caller, tryToUndo, undoTimeoutMs);
    if (undone !== undefined) return undone;
    await sleep(retryMs);
  }
}
