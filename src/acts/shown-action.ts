/** How answers show an action, and how one action is read. */
import { z } from 'zod';
import { credentialId, type TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import type { Action as ActionRow } from '../database/generated/client.ts';
import { type SqlArguments, valueIn } from '../database/sql-call.ts';
import {
  areOpen,
  type DeliveryCounts,
  deliveryRow,
  type DeliveryRow,
  deliveryStates,
  noDeliveries,
} from '../delivery/deliveries.ts';
import { notFound } from '../errors.ts';
import type { Action, ActionKind, Target } from './actions.schemas.ts';

/** How much an answer shows of the deliveries of an action: their largest number, and how far it counts in each state. */
export interface Shown {
  targets: number;
  counted: number;
}
const shownAlone: Shown = { targets: 100, counted: 1_000 };

/** The arguments of `shown_action`, which enters the tenant itself. */
export function shownArgs(caller: TenantCaller, actionId: string): SqlArguments {
  return {
    tenant: caller.tenantId,
    kind: caller.kind,
    credential: credentialId(caller),
    mustBeActive: caller.mustBeActive ?? false,
    action: actionId,
    each: shownAlone.targets,
    most: shownAlone.counted,
  };
}

const actionRow = z
  .object({
    id: z.string(),
    kind: z.string(),
    space_id: z.string().nullable(),
    user_id: z.string().nullable(),
    reason: z.string().nullable(),
    requested_by: z.unknown(),
    created_at: z.coerce.date(),
    silenced_at: z.coerce.date().nullable(),
  })
  .transform((row) => ({
    id: row.id,
    kind: row.kind,
    spaceId: row.space_id,
    userId: row.user_id,
    reason: row.reason,
    requestedBy: row.requested_by,
    createdAt: row.created_at,
    silencedAt: row.silenced_at,
  }));

/** What `shown_action` returns, as answers show it; undefined if there is no such action. */
export const shownAction = z
  .object({
    action: actionRow,
    deliveries: z.array(deliveryRow.extend({ done_at: z.coerce.date().nullable() })),
    counts: z.partialRecord(z.enum(deliveryStates), z.int()),
    isUnfinished: z.boolean(),
  })
  .nullable()
  .transform((found) => {
    if (!found) return undefined;
    const { action, deliveries, counts, isUnfinished } = found;
    return toAction(action, deliveries, { ...noDeliveries(), ...counts }, isUnfinished);
  });

/** @throws Problem `not_found` */
export async function findAction(tx: Tx, caller: TenantCaller, actionId: string): Promise<Action> {
  const found = await valueIn(tx, 'shown_action', shownArgs(caller, actionId), shownAction);
  if (!found) throw notFound('action');
  return found;
}

/** An action as answers show it. */
export function toAction(
  row: z.output<typeof actionRow> | ActionRow,
  deliveries: DeliveryRow[],
  counts: DeliveryCounts,
  isUnfinished: boolean,
): Action {
  const isPending = isUnfinished || areOpen(counts);
  return {
    id: row.id,
    kind: row.kind as ActionKind,
    spaceId: row.spaceId,
    ...(row.userId !== null && { userId: row.userId }),
    ...(row.reason !== null && { reason: row.reason }),
    state: isPending ? 'pending' : 'delivered',
    targets: deliveries.map(toTarget),
    targetCounts: counts,
    requestedBy: row.requestedBy as Action['requestedBy'],
    createdAt: row.createdAt.toISOString(),
    ...(row.silencedAt !== null && !isUnfinished && { silencedAt: row.silencedAt.toISOString() }),
  };
}

/** A delivery as answers show it. */
export function toTarget(row: DeliveryRow): Target {
  // IVS may know the user by a pseudonym. Callers know them by their id.
  const { userId } = row.parameters;
  return {
    operation: row.operation,
    target: row.operation === 'DisconnectUser' && typeof userId === 'string' ? userId : row.target,
    state: row.state,
    attempts: row.attempts,
    ...(row.last_error !== null && { lastError: row.last_error }),
    ...(row.done_at !== null && { doneAt: row.done_at.toISOString() }),
  };
}
