import { Body, Controller, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  type CreateIssuerBody,
  createIssuerBody,
  issuer,
  issuerPage,
  type UpdateIssuerBody,
  updateIssuerBody,
} from './issuers.schemas.ts';
import { IssuersService } from './issuers.service.ts';

const tag = 'Issuers';
const access = { scope: 'issuers:write' } as const;
const issuerIdSchema = pathId('iss', 'issuer');

@Controller('v1/issuers')
export class IssuersController {
  constructor(private readonly issuers: IssuersService) {}

  @Post()
  @Endpoint({
    summary: 'Register an issuer',
    description:
      'App users may then call with its JWTs. What other tenants have registered does not matter: of all issuers that fit a JWT and verify it, the one of the tenant that owns the space counts. A JWT must have `exp` and `iat`, at most `maxLifeSeconds` apart, and a user id that is a string. The service tries `jwksUri` once, which can take three seconds, and `keys` says what it found. The issuer is registered in any case.',
    tag,
    access,
    answers: { 201: issuer },
    problems: ['conflict', 'quota_exceeded'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: createIssuerBody }) body: CreateIssuerBody) {
    return await this.issuers.create(caller, body);
  }

  @Get()
  @Endpoint({ summary: 'List issuers', tag, access, answers: { 200: issuerPage } })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.issuers.list(caller, query);
  }

  @Get(':issuerId')
  @Endpoint({ summary: 'Get an issuer', tag, access, answers: { 200: issuer }, problems: ['not_found'] })
  async get(@CurrentCaller() caller: TenantCaller, @Param('issuerId', { schema: issuerIdSchema }) id: string) {
    return await this.issuers.get(caller, id);
  }

  @Patch(':issuerId')
  @Endpoint({
    summary: 'Change an issuer',
    description:
      'Replaces what the body names. Only the name of the issuer stays: the ids of its users belong to it. With another `userIdPrefix` or `claims.userId`, the same people are other users. A `jwksUri` is tried once, as when an issuer is registered. JWTs that the change does not accept are refused at once.',
    tag,
    access,
    answers: { 200: issuer },
    problems: ['not_found', 'conflict'],
  })
  async update(
    @CurrentCaller() caller: TenantCaller,
    @Param('issuerId', { schema: issuerIdSchema }) id: string,
    @Body({ schema: updateIssuerBody }) body: UpdateIssuerBody,
  ) {
    return await this.issuers.update(caller, id, body);
  }

  @Delete(':issuerId')
  @Endpoint({
    summary: 'Delete an issuer',
    description:
      'Its JWTs are refused at once. Stage and chat tokens that were vended earlier stay valid. To rotate keys, change the issuer instead.',
    tag,
    access,
    answers: { 204: null },
    problems: ['not_found'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('issuerId', { schema: issuerIdSchema }) id: string,
  ): Promise<void> {
    await this.issuers.remove(caller, id);
  }
}
