import { Injectable, Logger } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import type { Database, ModerationDatabase, Tx } from '../database/database.ts';
import { newId } from '../ids.ts';
import { IvsFailure } from '../ivs/ivs-errors.ts';
import { type Admission, releaseWindowMs } from '../joins/admission.ts';
import { tokenAttributes } from '../joins/attributes.ts';
import type { StageToken } from '../joins/joins.schemas.ts';
import { type TokenHolder, Mints } from '../joins/mints.ts';
import type { Action } from '../acts/actions.schemas.ts';
import { ActionsService } from '../acts/actions.service.ts';
import { actOnGrants, addCall } from '../acts/act-on-grants.ts';
import { callOff, undo } from '../acts/undo.ts';
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

/** Something the user holds in the space. */
interface Held {
  id: string;
  kind: 'stage' | 'chat';
  role: string;
  participant_id: string | null;
  ivs_user_id: string;
  /** Whether it allows more than the new role. */
  beyond: boolean;
}

/** A token to exchange that is on record and still to be made. */
interface Exchange {
  grantId: string;
  admission: Admission & { participantId: string };
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
    let lookedAt = 0;
    const tryToChange = async (tx: Tx) => {
      lookedAt = performance.now();
      // Before the space is read, as vends do: a token to exchange is one that a freeze must know of.
      await tx.$executeRaw`select lock_space(${tenantId}, ${spaceId}, false)`;
      await findSpace(tx, tenantId, spaceId);
      await tx.$executeRaw`select lock_user(${tenantId}, ${userId}, true)`;
      if (!(await callOffEarlier(tx, tenantId, change))) return undefined;
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
    const leaveBy = lookedAt + releaseWindowMs;
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
    const held = await tx.$queryRaw<Held[]>`
      select * from held_beside_role(${tenantId}, ${spaceId}, ${userId}, ${role})`;
    if (!held.some((grant) => grant.beyond || grant.role !== role)) return { actionId: null, exchange: null };

    const exchange = role === null ? null : await this.admitExchange(tx, tenantId, change, role);
    const actionId = await this.actions.record(tx, caller, { kind: 'role.change', spaceId, userId, reason });
    const beyond = held.filter((grant) => grant.beyond);
    const { participantId } = exchange?.admission ?? {};
    const exchangeable = beyond.filter((grant) => grant.kind === 'stage' && grant.participant_id === participantId);
    const ids = (grants: Held[]) => grants.map(({ id }) => id);
    await actOnGrants(tx, tenantId, actionId, ids(beyond.filter((grant) => !exchangeable.includes(grant))), {
      keepOut: true,
    });
    await actOnGrants(tx, tenantId, actionId, ids(exchangeable), {
      keepOut: true,
      exchangeWithinSeconds: exchangeGraceSeconds,
    });
    await tellClients(tx, tenantId, actionId, change, role, held[0]?.ivs_user_id ?? userId);
    return { actionId, exchange };
  }

  /** Writes a token to exchange down, if one is wanted and may be given. */
  private async admitExchange(tx: Tx, tenantId: string, change: Change, role: string): Promise<Exchange | null> {
    if (!change.exchange) return null;
    const { spaceId, userId } = change;
    const grantId = newId('grt');
    const [row] = await tx.$queryRaw<{ decision: Exchange['admission'] | null }[]>`
      select admit_exchange(${tenantId}, ${spaceId}, ${userId}, ${role}, ${grantId}) as decision`;
    const admission = row?.decision;
    if (!admission) return null;
    const attributes = tokenAttributes(admission.role.attributes, {}, change.exchange.attributes, true);
    return { grantId, admission, holder: { ivsUserId: admission.ivsUserId, attributes } };
  }

  /** The change holds without the token: its user is disconnected then, and comes back with a new one. */
  private async mint({ grantId, admission, holder }: Exchange): Promise<StageToken | null> {
    const { stage, signingKey, participantId } = admission;
    if (!stage || !signingKey) return null;
    try {
      const made = await this.mints.exchangeToken(admission, stage, signingKey, participantId, holder);
      const { signingKeyId: _, ...token } = made;
      return { grantId, ...token };
    } catch (error) {
      if (!(error instanceof IvsFailure)) throw error;
      this.logger.warn({ grantId, err: error }, 'a token to exchange could not be made');
      return null;
    }
  }
}

/** The newest change decides: what earlier ones wanted is called off, and what they held is the newest's to judge. */
async function callOffEarlier(tx: Tx, tenantId: string, { spaceId, userId }: Change): Promise<boolean> {
  const [row] = await tx.$queryRaw<{ ids: string[] }[]>`
    select unfinished_role_changes(${tenantId}, ${spaceId}, ${userId}) as ids`;
  return !row?.ids.length || (await callOff(tx, tenantId, row.ids, 'the role was changed again'));
}

/** The role the user has now; what his JWT claims is not known here. */
async function newRoleOf(tx: Tx, tenantId: string, { spaceId, userId }: Change): Promise<string | null> {
  const [row] = await tx.$queryRaw<{ name: string | null }[]>`
    select name from role_in_space(${tenantId}, ${spaceId}, ${userId}, null)`;
  return row?.name ?? null;
}

/** Has the room told of the new role; without one, of none. */
async function tellClients(
  tx: Tx,
  tenantId: string,
  actionId: string,
  { spaceId }: Change,
  role: string | null,
  ivsUserId: string,
): Promise<void> {
  const { roomArn } = await findSpace(tx, tenantId, spaceId);
  if (roomArn === null) return;
  await addCall(tx, tenantId, actionId, {
    spaceId,
    operation: 'SendEvent',
    arn: roomArn,
    target: eventName,
    grantId: null,
    parameters: { attributes: { userId: ivsUserId, ...(role !== null && { role }) } },
  });
}
