import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { TenantCaller } from '../caller.ts';
import type { ProblemCode } from '../errors.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { IssuesTokens } from '../http/idempotency.interceptor.ts';
import {
  type ChatToken,
  chatToken,
  joinAnswer,
  type JoinAnswer,
  type JoinBody,
  joinBody,
  type StageToken,
  stageToken,
  type TokenBody,
  tokenBody,
} from './joins.schemas.ts';
import { JoinsService } from './joins.service.ts';

const tag = 'Joining';
const spaceIdSchema = pathId('spc', 'space');
const access = { scope: 'tokens:vend', users: true } as const;
const problems: ProblemCode[] = [
  'not_found',
  'banned',
  'space_closed',
  'space_full',
  'conflict',
  'rate_limited',
  'quota_exceeded',
  'ivs_rejected',
  'ivs_unavailable',
];

@Controller('v1/spaces/:spaceId')
export class JoinsController {
  constructor(private readonly joins: JoinsService) {}

  @Post('join')
  @IssuesTokens()
  @Endpoint({
    summary: 'Get a stage token and a chat token',
    description:
      'Every request runs all admission checks. The user’s role decides what the tokens allow. It is the role of the member; else that of the claim in the JWT; else the default role of the space.',
    tag,
    access,
    answers: { 201: joinAnswer },
    problems,
  })
  async joinSpace(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: joinBody }) { stage, chat, ...body }: JoinBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JoinAnswer> {
    const { answer, headers } = await this.joins.vend(caller, spaceId, body, { stage, chat }, 'space.join');
    reply.headers(headers);
    return answer;
  }

  @Post('stage-tokens')
  @IssuesTokens()
  @Endpoint({
    summary: 'Get a stage token',
    description: 'It runs the same admission checks as `joinSpace`.',
    tag,
    access,
    answers: { 201: stageToken },
    problems,
  })
  async createStageToken(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: tokenBody }) body: TokenBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StageToken | null> {
    const requested = { stage: true, chat: false };
    const { answer, headers } = await this.joins.vend(caller, spaceId, body, requested, 'stageToken.create');
    reply.headers(headers);
    return answer.stage;
  }

  @Post('chat-tokens')
  @IssuesTokens()
  @Endpoint({
    summary: 'Get a chat token',
    description: 'It runs the same admission checks as `joinSpace`.',
    tag,
    access,
    answers: { 201: chatToken },
    problems,
  })
  async createChatToken(
    @CurrentCaller() caller: TenantCaller,
    @Param('spaceId', { schema: spaceIdSchema }) spaceId: string,
    @Body({ schema: tokenBody }) body: TokenBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ChatToken | null> {
    const requested = { stage: false, chat: true };
    const { answer, headers } = await this.joins.vend(caller, spaceId, body, requested, 'chatToken.create');
    reply.headers(headers);
    return answer.chat;
  }
}
