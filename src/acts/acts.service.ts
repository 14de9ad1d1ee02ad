import { Injectable } from '@nestjs/common';
import { audit } from '../audit/audit.ts';
import { Authority } from '../auth/authority.ts';
import { isInBounds, type TenantCaller } from '../caller.ts';
import { ModerationDatabase, type Tx } from '../database/database.ts';
import type { NewDelivery } from '../delivery/deliveries.ts';
import { notFound, Problem } from '../errors.ts';
import {
  anyGrantOfParticipant,
  findVendedGrant,
  grantsToActOn,
  lockUser,
  refusePendingGrants,
} from '../grants/ledger.ts';
import { limits } from '../limits.ts';
import { Secrets } from '../secrets/secrets.ts';
import { findSpace } from '../spaces/spaces.service.ts';
import { ivsUserIdOf } from '../tenants/tenant-account.ts';
import type { Action } from './actions.schemas.ts';
import { ActionsService } from './actions.service.ts';
import { findAction } from './shown-action.ts';
import type { DeleteMessageBody, EventBody, RevokeBody } from './acts.schemas.ts';
import { ActPace } from './act-pace.ts';
import { type Act, recordAct } from './record-act.ts';

/** Acts against connections, messages and tokens. Each is recorded, with all its deliveries, before IVS is called. */
@Injectable()
export class ActsService {
  constructor(
    private readonly database: ModerationDatabase,
    private readonly authority: Authority,
    private readonly pace: ActPace,
    private readonly actions: ActionsService,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Disconnects one participant from the stage. It is no ban.
   * @throws Problem `not_found`, `forbidden` or `banned`, or `conflict` if the space has no stage.
   */
  async disconnectParticipant(
    caller: TenantCaller,
    spaceId: string,
    participantId: string,
    reason: string | undefined,
  ): Promise<Action> {
    const { tenantId } = caller;
    return await this.perform(caller, async (tx) => {
      const { stageArn } = await findSpace(tx, tenantId, spaceId);
      const grant = await anyGrantOfParticipant(tx, tenantId, spaceId, participantId);
      if (grant) await this.authority.assertMayActOn(tx, caller, spaceId, grant.userId);
      else await this.authority.assertModerator(tx, caller, spaceId);
      if (stageArn === null) throw missingPart('stage');
      const parameters = reason === undefined ? {} : { reason: reason.slice(0, limits.stageReasonLength) };
      return {
        kind: 'participant.disconnect',
        spaceId,
        ...(grant && { userId: grant.userId }),
        reason,
        deliveries: [
          {
            spaceId,
            operation: 'DisconnectParticipant',
            arn: stageArn,
            target: participantId,
            grantId: grant?.id,
            parameters,
          },
        ],
        details: { participantId },
      };
    });
  }

  /** Closes all connections of a user to a space. It is no ban. @throws Problem `not_found`, `forbidden` or `banned` */
  async disconnectUser(
    caller: TenantCaller,
    spaceId: string,
    userId: string,
    reason: string | undefined,
  ): Promise<Action> {
    const { tenantId } = caller;
    return await this.perform(caller, async (tx) => {
      const { roomArn } = await findSpace(tx, tenantId, spaceId);
      await this.authority.assertMayActOn(tx, caller, spaceId, userId);
      const ids = await grantsToActOn(tx, tenantId, { userId, spaceId });
      const target = await ivsUserIdOf(tx, this.secrets, tenantId, userId);
      // A user may be in the room with a token that Stagedoor did not vend. So this call does not depend on the ledger.
      const parameters = { userId, ...(reason !== undefined && { reason }) };
      const roomDisconnects: NewDelivery[] =
        roomArn === null ? [] : [{ spaceId, operation: 'DisconnectUser', arn: roomArn, target, parameters }];
      return {
        kind: 'user.disconnect',
        spaceId,
        userId,
        reason,
        grants: [{ ids, keepOut: false }],
        deliveries: roomDisconnects,
      };
    });
  }

  /** Deletes a chat message: IVS Chat sends an event that asks clients to hide it. @throws Problem as `sendEvent` */
  async deleteMessage(
    caller: TenantCaller,
    spaceId: string,
    messageId: string,
    { reason, userId }: DeleteMessageBody,
  ): Promise<Action> {
    const parameters = reason === undefined ? {} : { reason };
    const call = { operation: 'DeleteMessage', target: messageId, parameters } as const;
    return await this.callRoom(caller, { kind: 'message.delete', spaceId, reason, ...(userId && { userId }) }, call);
  }

  /**
   * Sends an event to everybody in the chat room.
   * @throws Problem `not_found`, `forbidden` or `banned`, or `conflict` if the space has no room.
   */
  async sendEvent(caller: TenantCaller, spaceId: string, body: EventBody): Promise<Action> {
    return await this.callRoom(
      caller,
      { kind: 'event.send', spaceId },
      { operation: 'SendEvent', target: body.name, parameters: { attributes: body.attributes } },
    );
  }

  /**
   * Revokes the grants of a user in all spaces, or those issued before a time. It is no ban: the user can get new tokens.
   * @throws Problem `forbidden` or `banned`
   */
  async revokeUser(caller: TenantCaller, userId: string, { issuedBefore, reason }: RevokeBody): Promise<Action> {
    const { tenantId } = caller;
    return await this.perform(caller, async (tx) => {
      await this.authority.assertMayActOn(tx, caller, null, userId);
      await lockUser(tx, tenantId, userId);
      await refusePendingGrants(tx, tenantId, { userId, before: issuedBefore });
      const ids = await grantsToActOn(tx, tenantId, { userId, before: issuedBefore });
      return {
        kind: 'grants.revoke',
        spaceId: null,
        userId,
        reason,
        grants: [{ ids, keepOut: true }],
        details: { issuedBefore: issuedBefore ?? null },
      };
    });
  }

  /** Revokes one grant. @throws Problem `not_found`, `forbidden` or `banned` */
  async revokeGrant(caller: TenantCaller, grantId: string, reason: string | undefined): Promise<Action> {
    const { tenantId } = caller;
    return await this.perform(caller, async (tx) => {
      const { spaceId, userId } = await findVendedGrant(tx, tenantId, grantId);
      if (!isInBounds(caller, spaceId)) throw notFound('grant');
      await this.authority.assertMayActOn(tx, caller, spaceId, userId);
      return {
        kind: 'grants.revoke',
        spaceId,
        userId,
        reason,
        grants: [{ ids: [grantId], keepOut: true }],
        details: { grantId },
      };
    });
  }

  private async callRoom(
    caller: TenantCaller,
    act: Pick<Act, 'kind' | 'userId' | 'reason'> & { spaceId: string },
    call: Pick<NewDelivery, 'operation' | 'target' | 'parameters'>,
  ): Promise<Action> {
    const { spaceId, userId } = act;
    return await this.perform(caller, async (tx) => {
      const { roomArn } = await findSpace(tx, caller.tenantId, spaceId);
      if (userId === undefined) await this.authority.assertModerator(tx, caller, spaceId);
      else await this.authority.assertMayActOn(tx, caller, spaceId, userId);
      if (roomArn === null) throw missingPart('chat room');
      return { ...act, deliveries: [{ spaceId, arn: roomArn, ...call }], details: { target: call.target } };
    });
  }

  /** Decides and records an act in one transaction, and then carries it out. Returns its action. */
  private async perform(
    caller: TenantCaller,
    decide: (tx: Tx) => Promise<Act & { details?: Record<string, string | null> }>,
  ): Promise<Action> {
    const recorded = await this.database.inTenantOf(caller, async (tx) => {
      await this.pace.assertNotTooFast(tx, caller);
      const { details, ...act } = await decide(tx);
      const made = await recordAct(tx, caller, act);
      await audit(tx, caller, {
        action: act.kind,
        tenantId: caller.tenantId,
        ...(act.spaceId !== null && { spaceId: act.spaceId }),
        ...(act.userId !== undefined && { userId: act.userId }),
        subject: made.id,
        details: { ...details, reason: act.reason ?? null },
        answer: async () => ({ status: 202, body: await findAction(tx, caller, made.id) }),
      });
      return made;
    });
    return await this.actions.carryOut(caller, recorded);
  }
}

function missingPart(part: string): Problem {
  return new Problem('conflict', `The space has no ${part}.`);
}
