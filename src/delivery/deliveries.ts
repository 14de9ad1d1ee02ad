import { z } from 'zod';
import type { Tx } from '../database/database.ts';
import type { Delivery as DeliveryRow, Prisma } from '../database/generated/client.ts';
import { runIn, valueIn } from '../database/sql-call.ts';
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

/** The deliveries of these actions by action id, in the order in which they were recorded. */
export async function deliveriesOf(tx: Tx, tenantId: string, actionIds: string[]): Promise<Map<string, DeliveryRow[]>> {
  const rows = await tx.delivery.findMany({
    where: { tenantId, actionId: { in: actionIds } },
    orderBy: { id: 'asc' },
  });
  return Map.groupBy(rows, (row) => row.actionId);
}

/** Whether a delivery is not settled yet. The service then calls IVS, or calls it again. */
export function isOpen({ state }: Pick<DeliveryRow, 'state'>): boolean {
  return state === 'pending' || state === 'stuck';
}

/** Ids of the tenant's actions that have open deliveries. */
export async function actionsWithOpenDeliveries(tx: Tx, tenantId: string): Promise<string[]> {
  const rows = await tx.delivery.findMany({
    where: { tenantId, state: { in: ['pending', 'stuck'] } },
    distinct: ['actionId'],
    select: { actionId: true },
  });
  return rows.map(({ actionId }) => actionId);
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
