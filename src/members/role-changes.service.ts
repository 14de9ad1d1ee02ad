import { Injectable, Logger } from '@nestjs/common';
import { z } from 'zod';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import type { Database, ModerationDatabase, Tx } from '../database/database.ts';
import { callIn, runIn, valueIn } from '../database/sql-call.ts';
import type { NewDelivery } from '../delivery/deliveries.ts';
import { lockUser } from '../grants/ledger.ts';
import { newId } from '../ids.ts';
import { limits } from '../limits.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { admission, releaseWindowMs } from '../joins/admission.ts';
import { tokenAttributes } from '../joins/attributes.ts';
import type { StageToken } from '../joins/joins.schemas.ts';
import { type TokenHolder, Mints } from '../joins/mints.ts';
import type { Action } from '../acts/actions.schemas.ts';
import { ActionsService } from '../acts/actions.service.ts';
import { recordAct } from '../acts/record-act.ts';
import { cancelActions, undo } from '../acts/undo.ts';
import { mustLeaveBy } from '../request-context.ts';
import { findSpace } from '../spaces/spaces.service.ts';

/** How long somebody who was demoted has to exchange his token before he is looked for, in seconds. */
export const exchangeGraceSeconds = 10;

/** Longest an answer with a token to exchange waits for what else the change takes, in milliseconds: it may not leave late. */
const withExchangeMs = 700;

/** What the clients of a room are told. */
const eventName = 'stagedoor:role_changed';

/** A user whose role in a space is to change, and how that is to be noted. */
export interface Change {
  spaceId: string;
  userId: string;
  reason?: string | undefined;
  /** What the audit log calls it. */
  auditAction: string;
  /** Answer with a token to exchange: with these attributes beside the role's. */
  exchange?: { attributes: Record<string, string> };
}

/** What a change of role has led to. */
export interface Changed<Result> {
  result: Result;
  action: Action | null;
  exchange: StageToken | null;
}

/** Something that the user holds in the space; `exceeds` says whether it allows more than the new role. */
const heldGrant = z.object({
  id: z.string(),
  kind: z.enum(['stage', 'chat']),
  role: z.string(),
  participant_id: z.string().nullable(),
  ivs_user_id: z.string(),
  exceeds: z.boolean(),
});
type HeldGrant = z.output<typeof heldGrant>;

/** The answer of `admit_exchange`. */
const exchangeAdmission = admission.extend({ participantId: z.string() });

/** A token to exchange that is on record and still has to be made. */
interface Exchange {
  grantId: string;
  admission: z.output<typeof exchangeAdmission>;
  holder: TokenHolder;
}

/**
 * Makes a change of role take effect now, on what the user holds already: what allows more than the new role is revoked,
 * and the clients are told to fetch a new token. Where the answer carries a token to exchange, the participant that it is
 * for may stay, if it does exchange.
 */
@Injectable()
export class RoleChanges {
  private readonly logger = new Logger(RoleChanges.name);

  constructor(
    private readonly actions: ActionsService,
    private readonly mints: Mints,
  ) {}

  /**
   * @param database over whose connections: those of moderation for its acts, not for a tenant's bulk of members.
   * @param write changes the member row, after its own checks; from there on no vend to the user is under way.
   */
  async change<Result>(
    database: Database | ModerationDatabase,
    caller: TenantCaller,
    change: Change,
    write: (tx: Tx) => Promise<Result>,
  ): Promise<Changed<Result>> {
    const { tenantId } = caller;
    const { spaceId, userId } = change;
    let checkedAt = 0;
    const tryToChange = async (tx: Tx) => {
      checkedAt = performance.now();
      // The lock comes before the reading, as for a vend: a freeze must know of a token to exchange.
      await runIn(tx, 'lock_space', { tenant: tenantId, space: spaceId, exclusive: false });
      await findSpace(tx, tenantId, spaceId);
      await lockUser(tx, tenantId, userId);
      if (!(await cancelEarlier(tx, tenantId, change))) return undefined;
      const written = await write(tx);
      const role = await newRoleOf(tx, tenantId, change);
      const done = await this.enforce(tx, caller, change, role);
      await audit(tx, caller, {
        action: change.auditAction,
        tenantId,
        spaceId,
        userId,
        ...(done.actionId !== null && { subject: done.actionId }),
        details: { role, ...(change.reason !== undefined && { reason: change.reason }) },
      });
      return { result: written, ...done };
    };
    const { result, actionId, exchange } = await undo(database, caller, tryToChange);
    const [action, token] = await Promise.all([
      actionId === null ? null : this.actions.carryOut(caller, actionId, exchange ? withExchangeMs : undefined),
      exchange && this.mint(exchange),
    ]);
    // No ban waits longer for a token on its way. Without it the change holds all the same: the user comes back with a new one.
    const leaveBy = checkedAt + releaseWindowMs;
    if (!token || performance.now() > leaveBy) return { result, action, exchange: null };
    mustLeaveBy(leaveBy);
    return { result, action, exchange: token };
  }

  /** Writes down what the new role takes; null if the user holds nothing that it touches. */
  private async enforce(
    tx: Tx,
    caller: TenantCaller,
    change: Change,
    role: string | null,
  ): Promise<{ actionId: string | null; exchange: Exchange | null }> {
    const { tenantId } = caller;
    const { spaceId, userId, reason } = change;
    const held = await callIn(
      tx,
      'grants_beside_role',
      { tenant: tenantId, space: spaceId, user: userId, role, limits },
      heldGrant,
    );
    if (!held.some((grant) => grant.exceeds || grant.role !== role)) return { actionId: null, exchange: null };

    const exchange = role === null ? null : await this.admitExchange(tx, tenantId, change, role);
    const exceeding = held.filter((grant) => grant.exceeds);
    const { participantId } = exchange?.admission ?? {};
    const exchangeable = exceeding.filter((grant) => grant.kind === 'stage' && grant.participant_id === participantId);
    const ids = (grants: HeldGrant[]) => grants.map(({ id }) => id);
    const actionId = await recordAct(tx, caller, {
      kind: 'role.change',
      spaceId,
      userId,
      reason,
      grants: [
        { ids: ids(exceeding.filter((grant) => !exchangeable.includes(grant))), keepOut: true },
        { ids: ids(exchangeable), keepOut: true, exchangeWithinSeconds: exchangeGraceSeconds },
      ],
      deliveries: await eventForClients(tx, tenantId, change, role, held[0]?.ivs_user_id ?? userId),
    });
    return { actionId, exchange };
  }

  /** Writes a token to exchange down, if one is wanted and may be given. */
  private async admitExchange(tx: Tx, tenantId: string, change: Change, role: string): Promise<Exchange | null> {
    if (!change.exchange) return null;
    const { spaceId, userId } = change;
    const grantId = newId('grt');
    const admitted = await valueIn(
      tx,
      'admit_exchange',
      { tenant: tenantId, space: spaceId, user: userId, role, grant: grantId, limits },
      exchangeAdmission.nullable(),
    );
    if (!admitted) return null;
    const attributes = tokenAttributes(admitted.role.attributes, {}, change.exchange.attributes, true);
    return { grantId, admission: admitted, holder: { ivsUserId: admitted.ivsUserId, attributes } };
  }

  /** The change holds without the token: its user is disconnected then, and comes back with a new one. */
  private async mint({ grantId, admission: admitted, holder }: Exchange): Promise<StageToken | null> {
    const { stage, signingKey, participantId } = admitted;
    if (!stage || !signingKey) return null;
    try {
      const made = await this.mints.exchangeToken(admitted, stage, signingKey, participantId, holder);
      const { signingKeyId: _, ...token } = made;
      return { grantId, ...token };
    } catch (error) {
      if (!(error instanceof IvsFailure)) throw error;
      this.logger.warn({ grantId, err: error }, 'a token to exchange could not be made');
      return null;
    }
  }
}

/** Cancels what earlier changes of the role still want: the newest change decides about everything that they held. */
async function cancelEarlier(tx: Tx, tenantId: string, { spaceId, userId }: Change): Promise<boolean> {
  const where = { tenant: tenantId, space: spaceId, user: userId };
  const earlier = await valueIn(tx, 'unfinished_role_changes', where, z.array(z.string()));
  return earlier.length === 0 || (await cancelActions(tx, tenantId, earlier, 'the role was changed again'));
}

/** The role that the user has now. The role that their JWT claims is not known here. */
async function newRoleOf(tx: Tx, tenantId: string, { spaceId, userId }: Change): Promise<string | null> {
  const where = { tenant: tenantId, space: spaceId, user: userId, claimed: null };
  const [role] = await callIn(tx, 'role_in_space', where, z.object({ name: z.string().nullable() }));
  return role?.name ?? null;
}

/** The event that tells the clients in the room of the new role. Without a new role, or without a room, it names none. */
async function eventForClients(
  tx: Tx,
  tenantId: string,
  { spaceId }: Change,
  role: string | null,
  ivsUserId: string,
): Promise<NewDelivery[]> {
  const { roomArn } = await findSpace(tx, tenantId, spaceId);
  if (roomArn === null) return [];
  const attributes = { userId: ivsUserId, ...(role !== null && { role }) };
  return [{ spaceId, operation: 'SendEvent', arn: roomArn, target: eventName, parameters: { attributes } }];
}
