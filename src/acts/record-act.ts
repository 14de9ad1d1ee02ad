import { callerRef, type TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { runIn } from '../database/sql-call.ts';
import { addDelivery, type NewDelivery } from '../delivery/deliveries.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import type { ActionKind } from './actions.schemas.ts';

/** What a moderator does, with all that it needs. */
export interface Act {
  kind: ActionKind;
  /** Null for an act in the whole tenant. */
  spaceId: string | null;
  userId?: string;
  reason?: string | undefined;
  /** Grants that the act is against. Parts may be treated differently. */
  grants?: GrantsActedOn[];
  /** Calls to IVS that do not follow from grants. */
  deliveries?: NewDelivery[];
}

/** Grants that an act is against, and what becomes of their holders. */
export interface GrantsActedOn {
  /** Ids of grants, in the order in which they are acted on. */
  ids: string[];
  /** Also keep unused tokens from being used. */
  keepOut: boolean;
  /** Participants who have a lesser token may stay if they exchange theirs for it within this time. */
  exchangeWithinSeconds?: number;
}

/**
 * Records an act in the transaction that decides it: the action, its deliveries, and the holds of the watch. Every act goes
 * through here, or through `record_action` and `act_on_grants` in the database as the ban does.
 * @returns the id of the action.
 */
export async function recordAct(tx: Tx, caller: TenantCaller, act: Act): Promise<string> {
  const { tenantId } = caller;
  const actionId = newId('act');
  await runIn(tx, 'record_action', {
    tenant: tenantId,
    action: actionId,
    kind: act.kind,
    space: act.spaceId,
    user: act.userId ?? null,
    ban: null,
    reason: act.reason ?? null,
    caller: callerRef(caller),
    elapsed: secondsSinceRequest(),
  });
  for (const { ids, keepOut, exchangeWithinSeconds } of act.grants ?? []) {
    await runIn(tx, 'act_on_grants', {
      tenant: tenantId,
      action: actionId,
      grants: ids,
      keepOut,
      watchFor: exchangeWithinSeconds === undefined ? 'gone' : 'demoted',
      grace: `${exchangeWithinSeconds ?? 0} seconds`,
      limits,
    });
  }
  for (const delivery of act.deliveries ?? []) await addDelivery(tx, tenantId, actionId, delivery);
  return actionId;
}

/** Seconds since the request came in that is being served; 0 in background work. */
export function secondsSinceRequest(): number {
  const startedAt = currentRequest()?.startedAt;
  return startedAt === undefined ? 0 : (performance.now() - startedAt) / 1000;
}
