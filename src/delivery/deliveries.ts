import { z } from 'zod';
import type { Tx } from '../database/database.ts';
import type { Prisma } from '../database/generated/client.ts';
import { callIn, runIn, valueIn } from '../database/sql-call.ts';
import { limits } from '../limits.ts';

/** A call to IVS that an action needs. */
export interface NewDelivery {
  spaceId: string;
  operation: 'DisconnectParticipant' | 'DisconnectUser' | 'DeleteMessage' | 'SendEvent';
  /** ARN of the stage or of the room. */
  arn: string;
  /** Participant id, IVS user id, message id or event name. */
  target: string;
  /** Id of the grant that the call is about. */
  grantId?: string | undefined;
  parameters: Prisma.InputJsonObject;
}

/** The states of a delivery. The API tells what each means. */
export const deliveryStates = ['pending', 'done', 'not_connected', 'expired', 'stuck'] as const;

/** Longest time to try a call, as a Postgres interval. IVS lets nobody stay on a stage for longer (service quotas). */
const triedFor = `${limits.stageStaySeconds} seconds`;

/** Records a delivery of an action, unless the action has the same call already. */
export async function addDelivery(tx: Tx, tenantId: string, actionId: string, delivery: NewDelivery): Promise<void> {
  await runIn(tx, 'add_delivery', {
    tenant: tenantId,
    action: actionId,
    space: delivery.spaceId,
    operation: delivery.operation,
    arn: delivery.arn,
    target: delivery.target,
    grant: delivery.grantId ?? null,
    parameters: delivery.parameters,
    for: triedFor,
  });
}

/** A row of `first_deliveries`. */
export const deliveryRow = z.object({
  id: z.string(),
  action_id: z.string(),
  operation: z.enum(['DisconnectParticipant', 'DisconnectUser', 'DeleteMessage', 'SendEvent']),
  target: z.string(),
  parameters: z.record(z.string(), z.unknown()),
  state: z.enum(deliveryStates),
  attempts: z.number(),
  last_error: z.string().nullable(),
  done_at: z.date().nullable(),
});

/** What answers show of a delivery. */
export type DeliveryRow = z.output<typeof deliveryRow>;

/** Number of deliveries in each state. */
export type DeliveryCounts = Record<(typeof deliveryStates)[number], number>;

/**
 * Deliveries of these actions by action id, in the order in which they were recorded. If an action has more than `each`, the
 * open ones take precedence.
 */
export async function firstDeliveries(
  tx: Tx,
  tenantId: string,
  actionIds: string[],
  each: number,
): Promise<Map<string, DeliveryRow[]>> {
  const rows = await callIn(tx, 'first_deliveries', { tenant: tenantId, actions: actionIds, each }, deliveryRow);
  return Map.groupBy(rows, (row) => row.action_id);
}

/** How many deliveries these actions have in each state, by action id. It counts to `most` at most. */
export async function countDeliveries(
  tx: Tx,
  tenantId: string,
  actionIds: string[],
  most: number,
): Promise<Map<string, DeliveryCounts>> {
  const row = z.object({ action_id: z.string(), state: z.enum(deliveryStates), number: z.number() });
  const counts = new Map(actionIds.map((id) => [id, noDeliveries()]));
  for (const counted of await callIn(tx, 'count_deliveries', { tenant: tenantId, actions: actionIds, most }, row)) {
    const ofAction = counts.get(counted.action_id);
    if (ofAction) ofAction[counted.state] = counted.number;
  }
  return counts;
}

/** The counts of an action without deliveries. */
export function noDeliveries(): DeliveryCounts {
  return { pending: 0, done: 0, not_connected: 0, expired: 0, stuck: 0 };
}

/**
 * Deliveries of an action, in the order in which they were recorded, from the one after `after`.
 * @param page `after` is an id, in digits. `limit` is the largest number of rows.
 */
export async function pageOfDeliveries(
  tx: Tx,
  tenantId: string,
  actionId: string,
  page: { state: DeliveryRow['state'] | undefined; after: string; limit: number },
): Promise<DeliveryRow[]> {
  const { state = null, after, limit } = page;
  const args = { tenant: tenantId, action: actionId, state, after, limit };
  return await callIn(tx, 'page_of_deliveries', args, deliveryRow);
}

/** Whether deliveries are not settled yet. The service then calls IVS, or calls it again. */
export function areOpen(counts: DeliveryCounts): boolean {
  return counts.pending + counts.stuck > 0;
}

/**
 * Whether IVS may still carry out a call of these actions that was sent to it.
 * @param leaseSeconds length of a lease.
 */
export async function areUnderWay(
  tx: Tx,
  tenantId: string,
  actionIds: string[],
  leaseSeconds: number,
): Promise<boolean> {
  const lease = `${leaseSeconds} seconds`;
  const lands = `${limits.callLandsSeconds} seconds`;
  return await valueIn(tx, 'deliveries_under_way', { tenant: tenantId, actions: actionIds, lease, lands }, z.boolean());
}
