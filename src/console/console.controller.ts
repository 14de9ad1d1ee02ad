import { Body, Controller, Delete, Get, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../caller.ts';
import { type ConsoleSession, CurrentCaller, CurrentSession } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { ConsoleSessions } from './console-sessions.ts';
import { ConsoleService } from './console.service.ts';
import { consoleSession, type SignInBody, signInBody } from './console.schemas.ts';
import { cookieWithout } from './session-cookie.ts';

const tag = 'Console';

@Controller('console/session')
export class ConsoleController {
  constructor(
    private readonly sessions: ConsoleSessions,
    private readonly console: ConsoleService,
  ) {}

  @Post()
  @Endpoint({
    summary: 'Sign in to the console',
    description:
      'Gives the browser a cookie, which stands for the credential from then on, at every route that takes the credential. A request has either the cookie or the header `Authorization`. Writes with the cookie need the header `x-stagedoor-csrf`, and the `Origin` of the service.',
    tag,
    access: { public: true },
    answers: { 204: null },
    problems: ['invalid_request', 'unauthenticated', 'forbidden', 'rate_limited', 'unavailable'],
  })
  async signIn(
    @Req() request: FastifyRequest,
    @Body({ schema: signInBody }) { credential }: SignInBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    void reply.header('set-cookie', await this.sessions.signIn(request, credential));
  }

  @Get()
  @Endpoint({
    summary: 'Get the session of the console',
    tag,
    access: { session: true },
    answers: { 200: consoleSession },
  })
  async getSession(@CurrentCaller() caller: Caller, @CurrentSession() session: ConsoleSession) {
    return await this.console.show(caller, session);
  }

  @Delete()
  @Endpoint({
    summary: 'Sign out of the console',
    description: 'The cookie is good for nothing from now on, wherever a copy of it is.',
    tag,
    access: { session: true },
    answers: { 204: null },
  })
  async signOut(
    @CurrentCaller() caller: Caller,
    @CurrentSession() session: ConsoleSession,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    await this.sessions.signOut(caller, session);
    void reply.header('set-cookie', cookieWithout);
  }
}
