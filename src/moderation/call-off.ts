import { setTimeout as sleep } from 'node:timers/promises';
import type { Tx } from '../database/database.ts';
import { leaseSeconds } from './delivery.ts';

/** Longest a call to IVS takes from its lease, in seconds: its deadline, and a moment to get there. */
const callSeconds = 4.5;

/**
 * Calls off what acts still wanted of IVS and gives back what they held, so that nothing late hits a user who is lawful
 * again. False while one of their calls is on its way to IVS: then nothing is called off, no other call begins for a
 * moment, and the undoing has to wait. The transaction must have written nothing before.
 */
export async function callOff(tx: Tx, tenantId: string, actionIds: string[], why: string): Promise<boolean> {
  // A look at a stage may be writing down a call of these acts this moment: it ends first, and its call is seen.
  await tx.$executeRaw`
    select from watches
     where tenant_id = ${tenantId}
       and space_id in (select space_id from holds where tenant_id = ${tenantId} and action_id = any (${actionIds}))
     order by space_id for update`;
  // No new call may begin while we look, so the calls that are due are held for the length of this transaction.
  await tx.$executeRaw`
    select from targets where tenant_id = ${tenantId} and action_id = any (${actionIds}) order by id for update`;
  const [row] = await tx.$queryRaw<{ busy: boolean }[]>`
    select calls_under_way(${tenantId}, ${actionIds}, make_interval(secs => ${leaseSeconds}),
                           make_interval(secs => ${callSeconds}::double precision)) as busy`;
  if (row?.busy) {
    await tx.$executeRaw`select put_off(${tenantId}, ${actionIds})`;
    return false;
  }
  await tx.$executeRaw`select call_off(${tenantId}, id, ${why}) from unnest(${actionIds}::text[]) as id`;
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
