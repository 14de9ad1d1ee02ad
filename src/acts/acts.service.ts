import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import type { TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import type { Prisma } from '../database/generated/client.ts';
import { notFound, Problem } from '../errors.ts';
import { Secrets } from '../secrets/secrets.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import { ivsUserIdOf } from '../tenants/tenant-account.ts';
import type { Action } from './actions.schemas.ts';
import { ActionsService, type NewAction } from './actions.service.ts';
import { actOnGrants, addCall } from './act-on-grants.ts';
import { Authority } from '../auth/authority.ts';
import type { EventBody, RevokeBody } from './acts.schemas.ts';

/** Acts against connections, messages and tokens. Each is on record with all it needs done before IVS is called. */
@Injectable()
export class ActsService {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly authority: Authority,
    private readonly actions: ActionsService,
    private readonly secrets: Secrets,
  ) {}

  /** Throws one participant out of the stage: a kick, not a ban. */
  async disconnectParticipant(
    caller: TenantCaller,
    spaceId: string,
    participantId: string,
    reason: string | undefined,
  ): Promise<Action> {
    const { tenantId } = caller;
    return await this.act(caller, 'participant.disconnect', async (tx) => {
      const space = await findSpace(tx, tenantId, spaceId);
      const grant = await tx.grant.findFirst({ where: { tenantId, spaceId, participantId } });
      if (grant) await this.authority.assertMayActOn(tx, caller, spaceId, grant.userId);
      else await this.authority.assertModerator(tx, caller, spaceId);
      if (space.stageArn === null) throw noHalf('stage');
      const act: NewAction = {
        kind: 'participant.disconnect',
        spaceId,
        ...(grant && { userId: grant.userId }),
        reason,
      };
      const id = await this.actions.record(tx, caller, act);
      await addCall(tx, tenantId, id, {
        spaceId,
        operation: 'DisconnectParticipant',
        arn: space.stageArn,
        target: participantId,
        grantId: grant?.id ?? null,
        parameters: { ...(reason !== undefined && { reason: reason.slice(0, 128) }) },
      });
      return { ...act, id, details: { participantId } };
    });
  }

  /** Closes all of a user's connections to a space: a kick, not a ban. */
  async disconnectUser(
    caller: TenantCaller,
    spaceId: string,
    userId: string,
    reason: string | undefined,
  ): Promise<Action> {
    const { tenantId } = caller;
    return await this.act(caller, 'user.disconnect', async (tx) => {
      const { roomArn } = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertMayActOn(tx, caller, spaceId, userId);
      const kick = { spaceId, userId, reason };
      const act: NewAction = { kind: 'user.disconnect', ...kick };
      const id = await this.actions.record(tx, caller, act);
      await actOnGrants(tx, tenantId, id, { of: userId, spaceId }, { keepOut: false });
      if (roomArn !== null) await this.disconnectFromRoom(tx, tenantId, id, roomArn, kick);
      return { ...act, id };
    });
  }

  async deleteMessage(
    caller: TenantCaller,
    spaceId: string,
    messageId: string,
    reason: string | undefined,
  ): Promise<Action> {
    return await this.callRoom(caller, 'message.delete', spaceId, {
      operation: 'DeleteMessage',
      target: messageId,
      parameters: { ...(reason !== undefined && { reason }) },
      reason,
    });
  }

  async sendEvent(caller: TenantCaller, spaceId: string, body: EventBody): Promise<Action> {
    return await this.callRoom(caller, 'event.send', spaceId, {
      operation: 'SendEvent',
      target: body.name,
      parameters: { attributes: body.attributes },
    });
  }

  /** Ends what was given to a user: all of it, or what was issued before a time. New tokens are given as before. */
  async revokeUser(caller: TenantCaller, userId: string, body: RevokeBody): Promise<Action> {
    const { tenantId } = caller;
    return await this.act(caller, 'grants.revoke', async (tx) => {
      await this.authority.assertMayActOn(tx, caller, null, userId);
      await tx.$executeRaw`select lock_user(${tenantId}, ${userId}, true)`;
      const act: NewAction = { kind: 'grants.revoke', spaceId: null, userId, reason: body.reason };
      const id = await this.actions.record(tx, caller, act);
      const before = body.issuedBefore;
      // A vend that has begun does not hand out what it is making.
      await tx.$executeRaw`
        update grants set state = 'refused'
         where tenant_id = ${tenantId} and user_id = ${userId} and state = 'pending'
           and issued_at < coalesce(${before ?? null}::timestamptz, 'infinity')`;
      await actOnGrants(tx, tenantId, id, { of: userId, ...(before !== undefined && { before }) }, { keepOut: true });
      return { ...act, id, details: { issuedBefore: before ?? null } };
    });
  }

  /** Ends one grant. */
  async revokeGrant(caller: TenantCaller, grantId: string, reason: string | undefined): Promise<Action> {
    const { tenantId } = caller;
    return await this.act(caller, 'grants.revoke', async (tx) => {
      const grant = await tx.grant.findFirst({
        where: { tenantId, id: grantId, state: { in: ['released', 'watched', 'revoked'] } },
      });
      if (!grant) throw notFound('grant');
      const { spaceId, userId } = grant;
      await this.authority.assertMayActOn(tx, caller, spaceId, userId);
      const act: NewAction = { kind: 'grants.revoke', spaceId, userId, reason };
      const id = await this.actions.record(tx, caller, act);
      await actOnGrants(tx, tenantId, id, [grantId], { keepOut: true });
      return { ...act, id, details: { grantId } };
    });
  }

  /** Throws a user out of a room also if the ledger has no chat token of his: he may be inside with one of another's making. */
  private async disconnectFromRoom(
    tx: Tx,
    tenantId: string,
    actionId: string,
    arn: string,
    { spaceId, userId, reason }: { spaceId: string; userId: string; reason: string | undefined },
  ): Promise<void> {
    const target = await ivsUserIdOf(tx, this.secrets, tenantId, userId);
    const call = { operation: 'DisconnectUser', arn, target } as const;
    const written = await tx.target.count({ where: { tenantId, actionId, ...call } });
    if (written > 0) return;
    await addCall(tx, tenantId, actionId, {
      ...call,
      spaceId,
      grantId: null,
      parameters: { userId, ...(reason !== undefined && { reason }) },
    });
  }

  private async callRoom(
    caller: TenantCaller,
    kind: 'message.delete' | 'event.send',
    spaceId: string,
    call: {
      operation: 'DeleteMessage' | 'SendEvent';
      target: string;
      parameters: Prisma.InputJsonObject;
      reason?: string | undefined;
    },
  ): Promise<Action> {
    const { tenantId } = caller;
    return await this.act(caller, kind, async (tx) => {
      const space = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertModerator(tx, caller, spaceId);
      if (space.roomArn === null) throw noHalf('chat room');
      const act: NewAction = { kind, spaceId, reason: call.reason };
      const id = await this.actions.record(tx, caller, act);
      const { operation, target, parameters } = call;
      await addCall(tx, tenantId, id, { spaceId, operation, arn: space.roomArn, target, grantId: null, parameters });
      return { ...act, id, details: { target } };
    });
  }

  /** The beat of every act: decide and write it all down in one transaction, then carry it out. */
  private async act(
    caller: TenantCaller,
    action: string,
    decide: (tx: Tx) => Promise<NewAction & { id: string; details?: Record<string, string | null> }>,
  ): Promise<Action> {
    const { id } = await this.database.inTenantOf(caller, async (tx) => {
      const act = await decide(tx);
      await audit(tx, caller, {
        action,
        tenantId: caller.tenantId,
        ...(act.spaceId !== null && { spaceId: act.spaceId }),
        ...(act.userId !== undefined && { userId: act.userId }),
        subject: act.id,
        details: { ...act.details, reason: act.reason ?? null },
      });
      return act;
    });
    return await this.actions.carryOut(caller, id);
  }
}

function noHalf(what: string): Problem {
  return new Problem('conflict', `The space has no ${what}.`);
}
