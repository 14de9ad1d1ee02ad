import { setTimeout as sleep } from 'node:timers/promises';
import type { TenantCaller } from '../caller.ts';
import type { Database, ModerationDatabase, Tx } from '../database/database.ts';
import { leaseSeconds } from '../delivery/delivery.ts';

/** Longest an undoing may take, in milliseconds: what was done against ten thousand people has as much to be given back. */
const undoTimeoutMs = 20_000;

/** Longest a call to IVS takes from its lease, in seconds: its deadline, and a moment to get there. */
const callSeconds = 4.5;

/** For how long no other call begins, in seconds, until the undoing is tried again. */
const heldBackSeconds = 1;

/**
 * Calls off what acts still wanted of IVS and gives back what they held, so that nothing late hits a user who is lawful
 * again. False while one of their calls is on its way to IVS: then nothing is called off, no other call begins for a
 * moment, and the undoing has to wait. The transaction is one of `undo`, and must have written nothing before.
 */
export async function callOff(tx: Tx, tenantId: string, actionIds: string[], why: string): Promise<boolean> {
  // A look at a stage may be writing down a call of these acts this moment: it ends first, and its call is seen.
  await tx.$executeRaw`
    select from watches
     where tenant_id = ${tenantId}
       and space_id in (select space_id from holds where tenant_id = ${tenantId} and action_id = any (${actionIds}))
     order by space_id for update`;
  await tx.$executeRaw`select lock_calls(${tenantId}, ${actionIds})`;
  const [row] = await tx.$queryRaw<{ busy: boolean }[]>`
    select calls_under_way(${tenantId}, ${actionIds}, make_interval(secs => ${leaseSeconds}),
                           make_interval(secs => ${callSeconds}::double precision)) as busy`;
  if (row?.busy) {
    await tx.$executeRaw`
      update actions set held_until = clock_timestamp() + make_interval(secs => ${heldBackSeconds}::double precision)
       where tenant_id = ${tenantId} and id = any (${actionIds})`;
    return false;
  }
  for (const id of actionIds) {
    while (!(await callOffSome(tx, tenantId, id, why))) continue;
  }
  return true;
}

/** Whether that was all of it. */
async function callOffSome(tx: Tx, tenantId: string, actionId: string, why: string): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ all: boolean }[]>`select call_off(${tenantId}, ${actionId}, ${why}) as all`;
  return row?.all ?? true;
}

/** Undoes an act: tries until none of its calls is on its way any more, which takes seconds at most. */
export async function undo<T>(
  database: Database | ModerationDatabase,
  caller: TenantCaller,
  tryToUndo: (tx: Tx) => Promise<T | undefined>,
): Promise<T> {
  for (;;) {
    const undone = await database.inTenantOf(caller, tryToUndo, undoTimeoutMs);
    if (undone !== undefined) return undone;
    await sleep(50);
  }
}
