import { setTimeout as sleep } from 'node:timers/promises';
import type { Tx } from '../database/database.ts';
import { leaseSeconds } from './delivery.ts';

/** Longest a call to IVS takes from its lease, in seconds: its deadline, and a moment to get there. */
const callSeconds = 4.5;

/**
 * Calls off what an act still wanted of IVS and gives back what it held, so that nothing late hits a user who is lawful
 * again. False while one of its calls is on its way to IVS: then nothing is called off, no other call begins for a
 * moment, and the undoing has to wait.
 */
export async function callOff(tx: Tx, tenantId: string, actionId: string, why: string): Promise<boolean> {
  // No new call may begin while we look, so the calls that are due are held for the length of this transaction.
  await tx.$executeRaw`select from targets where tenant_id = ${tenantId} and action_id = ${actionId} for update`;
  const [row] = await tx.$queryRaw<{ busy: boolean }[]>`
    select calls_under_way(${tenantId}, ${actionId}, make_interval(secs => ${leaseSeconds}),
                           make_interval(secs => ${callSeconds}::double precision)) as busy`;
  if (row?.busy) {
    await tx.$executeRaw`select put_off(${tenantId}, ${actionId})`;
    return false;
  }
  await tx.$executeRaw`select call_off(${tenantId}, ${actionId}, ${why})`;
  return true;
}

/** Tries to undo an act until no call of it is on its way any more, which takes seconds at most. */
export async function onceCallsHaveEnded<T>(tryToUndo: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const undone = await tryToUndo();
    if (undone !== undefined) return undone;
    await sleep(50);
  }
}
