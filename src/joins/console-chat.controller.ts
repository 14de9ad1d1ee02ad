import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { IssuesTokens } from '../http/idempotency.interceptor.ts';
import { noBody } from '../http/text.ts';
import { type ConsoleChatToken, consoleChatToken } from './joins.schemas.ts';
import { ConsoleChatService, type ReadingCaller } from './console-chat.service.ts';

@Controller('v1/spaces/:spaceId')
export class ConsoleChatController {
  constructor(private readonly chat: ConsoleChatService) {}

  @Post('console-chat-tokens')
  @IssuesTokens()
  @Endpoint({
    summary: 'Get a chat token for the console',
    description:
      'For the chat view of the console. The token reads the chat room; with `moderation:write` it may send messages, too. It never deletes or disconnects: acts go through the service. It passes the admission checks, has a grant, and takes no place in the space. A connection ends after 20 minutes, and goes on with a new token.',
    tag: 'Console',
    access: { scope: 'moderation:read' },
    answers: { 201: consoleChatToken },
    problems: [
      'not_found',
      'banned',
      'space_closed',
      'rate_limited',
      'quota_exceeded',
      'ivs_rejected',
      'ivs_unavailable',
    ],
  })
  async createConsoleChatToken(
    @CurrentCaller() caller: ReadingCaller,
    @Param('spaceId', { schema: pathId('spc', 'space') }) spaceId: string,
    @Body({ schema: noBody }) _body: object,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ConsoleChatToken> {
    const { token, headers } = await this.chat.vend(caller, spaceId);
    reply.headers(headers);
    return token;
  }
}
