import { type CallerRef, callerRef, type TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { runIn } from '../database/sql-call.ts';
import { addDelivery, type NewDelivery } from '../delivery/deliveries.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { currentRequest } from '../request-context.ts';
import type { ActionKind } from './actions.schemas.ts';

/** What a moderator does, and what is needed to carry it out. */
export interface Act {
  kind: ActionKind;
  /** Null for an act in the whole tenant. */
  spaceId: string | null;
  userId?: string;
  reason?: string | undefined;
  /** The grants that the act is against, in groups that are treated in different ways. */
  grants?: GrantsActedOn[];
  /** Calls to IVS that do not follow from grants. */
  deliveries?: NewDelivery[];
}

/** An act that is on record. */
export interface RecordedAct extends Pick<Act, 'kind' | 'spaceId' | 'userId' | 'reason'> {
  /** Id of its action. */
  id: string;
}

/** Grants that an act is against, and how they are treated. */
export interface GrantsActedOn {
  /** Ids of the grants, in the order in which they are treated. */
  ids: string[];
  /** True: also act against unused tokens. The stage is watched, and the room gets a second DisconnectUser later. */
  keepOut: boolean;
  /** Participants stay connected if they exchange their token for a lesser one within this time, in seconds. */
  exchangeWithinSeconds?: number;
}

/**
 * Records an act in the transaction that decides it: its action, its deliveries, and its holds. Every act but the ban is
 * recorded here. `ban_user` calls the same SQL functions, `record_action` and `act_on_grants`.
 */
export async function recordAct(tx: Tx, caller: TenantCaller, act: Act): Promise<RecordedAct> {
  return await recordActBy(tx, caller.tenantId, callerRef(caller), act);
}

/** Records an act as `recordAct` does, also of who is no caller of the tenant. */
export async function recordActBy(tx: Tx, tenantId: string, by: CallerRef, act: Act): Promise<RecordedAct> {
  const actionId = newId('act');
  await runIn(tx, 'record_action', {
    tenant: tenantId,
    action: actionId,
    kind: act.kind,
    space: act.spaceId,
    user: act.userId ?? null,
    ban: null,
    reason: act.reason ?? null,
    caller: by,
    elapsed: secondsSinceRequest(),
  });
  const acts = currentRequest()?.acts;
  if (acts) acts.left = Math.max(0, acts.left - 1);
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
  return { ...act, id: actionId };
}

/** Those of some spaces in which an act of a kind is on record. */
export async function spacesActedOn(tx: Tx, tenantId: string, kind: ActionKind, spaceIds: string[]): Promise<string[]> {
  const where = { tenantId, kind, spaceId: { in: spaceIds } };
  const rows = await tx.action.findMany({ where, select: { spaceId: true }, distinct: ['spaceId'] });
  return rows.flatMap(({ spaceId }) => spaceId ?? []);
}

/** Seconds since the current request came in; 0 in background work. */
export function secondsSinceRequest(): number {
  const startedAt = currentRequest()?.startedAt;
  return startedAt === undefined ? 0 : (performance.now() - startedAt) / 1000;
}
