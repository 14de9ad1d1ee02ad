import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  consoleIssuer,
  consoleIssuerPage,
  type CreateConsoleIssuerBody,
  createConsoleIssuerBody,
  type UpdateConsoleIssuerBody,
  updateConsoleIssuerBody,
} from './console-issuers.schemas.ts';
import { ConsoleIssuersService } from './console-issuers.service.ts';

const tag = 'Console';
/** Who names a provider decides who is an admin of the tenant. */
const access = { scope: '*' } as const;
const idSchema = pathId('cis', 'identity provider for the console');

@Controller('v1/console-issuers')
export class ConsoleIssuersController {
  constructor(private readonly issuers: ConsoleIssuersService) {}

  @Post()
  @Endpoint({
    summary: 'Register an identity provider for the console',
    description:
      'People of the tenant then sign in to the console with it (OpenID Connect, authorization code with PKCE), if they have a role of the console. Register `/console/sign-in/callback` of the service at the provider, as the address to return to. It is no issuer of the API: nobody joins a space with its tokens.',
    tag,
    access,
    answers: { 201: consoleIssuer },
    problems: ['conflict', 'quota_exceeded'],
  })
  async create(
    @CurrentCaller() caller: TenantCaller,
    @Body({ schema: createConsoleIssuerBody }) body: CreateConsoleIssuerBody,
  ) {
    return await this.issuers.create(caller, body);
  }

  @Get()
  @Endpoint({
    summary: 'List the identity providers for the console',
    tag,
    access,
    answers: { 200: consoleIssuerPage },
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.issuers.list(caller, query);
  }

  @Get(':consoleIssuerId')
  @Endpoint({
    summary: 'Get an identity provider for the console',
    tag,
    access,
    answers: { 200: consoleIssuer },
    problems: ['not_found'],
  })
  async get(@CurrentCaller() caller: TenantCaller, @Param('consoleIssuerId', { schema: idSchema }) id: string) {
    return await this.issuers.get(caller, id);
  }

  @Patch(':consoleIssuerId')
  @Endpoint({
    summary: 'Change an identity provider for the console',
    description:
      'Replaces what the body names; null removes the secret. Its issuer stays. With another `clientId` or other `claims`, the same ids may mean other people, so all sessions that were made with the provider end.',
    tag,
    access,
    answers: { 200: consoleIssuer },
    problems: ['not_found', 'conflict'],
  })
  async update(
    @CurrentCaller() caller: TenantCaller,
    @Param('consoleIssuerId', { schema: idSchema }) id: string,
    @Body({ schema: updateConsoleIssuerBody }) body: UpdateConsoleIssuerBody,
  ) {
    return await this.issuers.update(caller, id, body);
  }

  @Delete(':consoleIssuerId')
  @Endpoint({
    summary: 'Delete an identity provider for the console',
    description: 'Everybody who signs in with it loses their role of the console, and their sessions end at once.',
    tag,
    access: { ...access, evenIfSuspended: true },
    answers: { 204: null },
    problems: ['not_found'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('consoleIssuerId', { schema: idSchema }) id: string,
  ): Promise<void> {
    await this.issuers.remove(caller, id);
  }
}
