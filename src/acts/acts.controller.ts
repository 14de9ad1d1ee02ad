import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { TenantCaller } from '../caller.ts';
import type { ProblemCode } from '../errors.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { userId as userIdSchema } from '../http/text.ts';
import { space } from '../spaces/spaces.schemas.ts';
import { type Action, action, actionPage, type ActionsQuery, actionsQuery } from './actions.schemas.ts';
import { ActionsService } from './actions.service.ts';
import { FreezingService } from './freezing.service.ts';
import {
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
const readAccess = { scope: 'moderation:read', users: true } as const;
const answers = { 200: action, 202: action };
const problems: ProblemCode[] = ['not_found', 'banned', 'conflict'];

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
    description: 'A kick, not a ban: with another token the user may come back.',
    tag,
    access,
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
    description: 'From the chat room, and every participant with an unexpired stage token. A kick, not a ban.',
    tag,
    access,
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
  @Endpoint({ summary: 'Delete a chat message', tag, access, answers, problems })
  async deleteMessage(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Param('messageId', { schema: messageIdSchema }) messageId: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.deleteMessage(caller, spaceId, messageId, reason));
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
    summary: 'End what was given to a user',
    description: 'In all spaces; all of it, or what was issued before a time. The user may get new tokens.',
    tag,
    access,
    answers,
    problems,
  })
  async revokeUser(
    @CurrentCaller() caller: TenantCaller,
    @Param('userId', { schema: userIdSchema }) userId: string,
    @Body({ schema: revokeBody }) body: RevokeBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return answer(reply, await this.acts.revokeUser(caller, userId, body));
  }

  @Post('grants/:grantId/revoke')
  @Endpoint({ summary: 'End one grant', tag, access, answers, problems })
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
      'The panic button: no new tokens but for moderators; other publishers and chat senders are disconnected.',
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
  @Endpoint({ summary: 'Unfreeze a space', tag, access, answers: { 200: space }, problems })
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
    summary: 'List acts of moderation',
    description: 'Newest first. App users name a space in which they moderate, unless they moderate the whole tenant.',
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
    summary: 'See how far an act has been carried out',
    tag,
    access: readAccess,
    answers: { 200: action },
    problems: ['not_found', 'banned'],
  })
  async getAction(
    @CurrentCaller() caller: TenantCaller,
    @Param('actionId', { schema: pathId('act', 'action') }) actionId: string,
  ) {
    return await this.actions.get(caller, actionId);
  }
}

/** 200 if everything was delivered before the answer, 202 if something is still to be delivered. */
function answer(reply: FastifyReply, result: Action): Action {
  void reply.status(result.state === 'delivered' ? 200 : 202);
  return result;
}
