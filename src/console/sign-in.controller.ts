import { Controller, Get, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeEndpoint } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Endpoint } from '../http/endpoint.ts';
import { Strangers } from '../limiting/strangers.ts';
import { OidcClients } from './oidc-clients.ts';
import {
  type CallbackQuery,
  callbackQuery,
  type SignInQuery,
  signInQuery,
  signInWays,
  type WaysQuery,
  waysQuery,
} from './sign-in.schemas.ts';
import { type Onward, SignInService } from './sign-in.service.ts';

const tag = 'Console';

@Controller('console/sign-in')
export class SignInController {
  constructor(
    private readonly signIns: SignInService,
    private readonly clients: OidcClients,
    private readonly strangers: Strangers,
  ) {}

  @Get('ways')
  @Endpoint({
    summary: 'List the ways to sign in to the console of a tenant',
    description: 'The identity providers of the tenant. A slug that no tenant has gets an empty list.',
    tag,
    access: { public: true },
    answers: { 200: signInWays },
    problems: ['invalid_request', 'rate_limited', 'unavailable'],
  })
  async listWays(@Req() request: FastifyRequest, @Query({ schema: waysQuery }) { tenant }: WaysQuery) {
    this.strangers.visit(request);
    return { data: await this.clients.waysOf(tenant) };
  }

  @Get()
  @ApiExcludeEndpoint() // browsers come here by links and redirects, and no client of the API
  @Endpoint({
    summary: 'Sign in to the console with an identity provider',
    description:
      'Sends the browser to the provider (OpenID Connect, authorization code with PKCE). A page of the console leads here; from elsewhere the browser gets to the console, and nothing begins.',
    tag,
    access: { public: true },
    answers: { 303: null },
    meaning: 'The browser goes on to the provider, or back to the console, with the reason in `signIn`.',
    problems: ['invalid_request', 'unavailable'],
  })
  async beginSignIn(
    @Req() request: FastifyRequest,
    @Query({ schema: signInQuery }) { tenant, issuer }: SignInQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    goOn(reply, await this.signIns.begin(request, tenant, issuer));
  }

  @Get('callback')
  @ApiExcludeEndpoint()
  @Endpoint({
    summary: 'Come back from an identity provider',
    description:
      'The provider sends the browser here. Whoever has a role of the console is signed in. Everybody else reads why not.',
    tag,
    access: { public: true },
    answers: { 303: null },
    meaning: 'The browser goes on to the console, signed in, or with the reason in `signIn`.',
    problems: ['invalid_request', 'unavailable'],
  })
  async endSignIn(
    @Req() request: FastifyRequest,
    @Query({ schema: callbackQuery }) { state }: CallbackQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<void> {
    goOn(reply, await this.signIns.end(request, state));
  }
}

function goOn(reply: FastifyReply, { location, cookies }: Onward): void {
  void reply.headers({ location, 'referrer-policy': 'no-referrer' });
  if (cookies.length > 0) void reply.header('set-cookie', cookies);
}
