import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { TenantCaller } from '../caller.ts';
import type { ProblemCode } from '../errors.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { space } from '../spaces/spaces.schemas.ts';
import {
  type Action,
  action,
  actionPage,
  type ActionsQuery,
  actionsQuery,
  targetPage,
  type TargetsQuery,
  targetsQuery,
} from './actions.schemas.ts';
import { ActionsService } from './actions.service.ts';
import { FreezingService } from './freezing.service.ts';
import {
  type DeleteMessageBody,
  deleteMessageBody,
  type EventBody,
  eventBody,
  messageId as messageIdSchema,
  participantId as participantIdSchema,
  type ReasonBody,
  reasonBody,
  type RevokeBody,
  revokeBody,
} from './acts.schemas.ts';
import { ActsService } from './acts.service.ts';

const tag = 'Moderation';
const spaceIdSchema = pathId('spc', 'space');
const access = { scope: 'moderation:write', users: true } as const;
/** Of acts that only take something from somebody. */
const takingAccess = { ...access, evenIfSuspended: true } as const;
const readAccess = { scope: 'moderation:read', users: true } as const;
/** Of routes that name a grant or an action. The service looks up its space. */
const oneThing = { keepsBounds: true } as const;
const answers = { 200: action, 202: action };
const problems: ProblemCode[] = ['not_found', 'banned', 'conflict', 'rate_limited'];

@Controller('v1')
export class ActsController {
  constructor(
    private readonly acts: ActsService,
    private readonly freezing: FreezingService,
    private readonly actions: ActionsService,
  ) {}

  @Post('spaces/:spaceId/participants/:participantId/disconnect')
  @Endpoint({
    summary: 'Disconnect a participant from the stage',
    description: 'It is no ban: the user can come back with another token.',
    tag,
    access: takingAccess,
    answers,
    problems,
  })
  async disconnectParticipant(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Param('participantId', { schema: participantIdSchema }) participantId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.disconnectParticipant(caller, spaceId, participantId, reason));
  }

  @Post('spaces/:spaceId/users/:userId/disconnect')
  @Endpoint({
    summary: 'Disconnect a user from a space',
    description:
      'Disconnects the user from the chat room, and all their participants with an unexpired stage token from the stage. It is no ban: the user can come back with new tokens.',
    tag,
    access: takingAccess,
    answers,
    problems,
  })
  async disconnectUser(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.disconnectUser(caller, spaceId, userId, reason));
  }

  @Post('spaces/:spaceId/messages/:messageId/delete')
  @Endpoint({
    summary: 'Delete a chat message',
    description: 'IVS Chat tells all clients in the room to hide the message.',
    tag,
    access,
    answers,
    problems,
  })
  async deleteMessage(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Param('messageId', { schema: messageIdSchema }) messageId: string,
    @Body({ schema: deleteMessageBody }) body: DeleteMessageBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.deleteMessage(caller, spaceId, messageId, body));
  }

  @Post('spaces/:spaceId/events')
  @Endpoint({ summary: 'Send an event to everybody in the chat room', tag, access, answers, problems })
  async sendEvent(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: eventBody }) body: EventBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.sendEvent(caller, spaceId, body));
  }

  @Post('users/:userId/revoke')
  @Endpoint({
    summary: 'Revoke the grants of a user',
    description:
      'It revokes grants in all spaces, and closes connections with them. It is no ban: the user can get new tokens. A chat token of the last minute may be unused; until it can no longer connect, 65 seconds at most, the user gets no new one for that room (503 with `Retry-After`).',
    tag,
    access: takingAccess,
    answers,
    problems,
  })
  async revokeUserGrants(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: revokeBody }) body: RevokeBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.revokeUser(caller, userId, body));
  }

  @Post('grants/:grantId/revoke')
  @Endpoint({
    summary: 'Revoke one grant',
    description:
      'It also closes connections with the token of the grant; for a chat grant, all connections of the user to the room. It is no ban: the user can get new tokens, for chat after 65 seconds at most.',
    tag,
    access: { ...takingAccess, ...oneThing },
    answers,
    problems,
  })
  async revokeGrant(
    @CurrentCaller() caller: TenantCaller,
    @Param('grantId', { schema: pathId('grt', 'grant') }) grantId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.revokeGrant(caller, grantId, reason));
  }

  @Post('spaces/:spaceId/freeze')
  @Endpoint({
    summary: 'Freeze a space',
    description:
      'For emergencies. Only moderators get tokens until the space is unfrozen. Everybody else who may publish or send messages is disconnected.',
    tag,
    access,
    answers,
    problems,
  })
  async freezeSpace(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.freezing.freeze(caller, spaceId, reason));
  }

  @Post('spaces/:spaceId/unfreeze')
  @Endpoint({
    summary: 'Unfreeze a space',
    description: 'It also cancels the deliveries of the freeze that are not settled.',
    tag,
    access,
    answers: { 200: space },
    problems,
  })
  @HttpCode(200)
  async unfreezeSpace(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
  ) {
    return await this.freezing.unfreeze(caller, spaceId, reason);
  }

  @Get('actions')
  @Endpoint({
    summary: 'List the actions of moderators',
    description:
      'The newest action comes first. App users must name a space in which they moderate, unless they moderate the whole tenant.',
    tag,
    access: readAccess,
    answers: { 200: actionPage },
    problems: ['banned'],
  })
  async listActions(@CurrentCaller() caller: TenantCaller, @Query({ schema: actionsQuery }) query: ActionsQuery) {
    return await this.actions.list(caller, query);
  }

  @Get('actions/:actionId')
  @Endpoint({
    summary: 'Get an action',
    description: '`targetCounts` and `targets` tell how far the action has been carried out.',
    tag,
    access: { ...readAccess, ...oneThing },
    answers: { 200: action },
    problems: ['not_found', 'banned'],
  })
  async getAction(
    @CurrentCaller() caller: TenantCaller,
    @Param('actionId', { schema: pathId('act', 'action') }) actionId: string,
  ) {
    return await this.actions.get(caller, actionId);
  }

  @Get('actions/:actionId/targets')
  @Endpoint({
    summary: 'List the deliveries of an action',
    description: 'In the order in which they were recorded. Together the pages name each delivery once.',
    tag,
    access: { ...readAccess, ...oneThing },
    answers: { 200: targetPage },
    problems: ['not_found', 'banned'],
  })
  async listActionTargets(
    @CurrentCaller() caller: TenantCaller,
    @Param('actionId', { schema: pathId('act', 'action') }) actionId: string,
    @Query({ schema: targetsQuery }) query: TargetsQuery,
  ) {
    return await this.actions.listTargets(caller, actionId, query);
  }
}

/** Answers 200 if the action is delivered, and 202 if deliveries are pending. */
function answer(reply: FastifyReply, result: Action): Action {
  void reply.status(result.state === 'delivered' ? 200 : 202);
  return result;
}
