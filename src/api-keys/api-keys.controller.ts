import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import type { OperatorCaller, TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { ShowsSecret } from '../http/idempotency.interceptor.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  apiKeyPage,
  type CreateApiKeyBody,
  createApiKeyBody,
  newApiKeyAnswer,
  type RevokeApiKeyQuery,
  revokeApiKeyQuery,
  type RotateApiKeyBody,
  rotateApiKeyBody,
} from './api-keys.schemas.ts';
import { ApiKeysService } from './api-keys.service.ts';

const tag = 'API keys';
const access = { scope: 'keys:write', keepsBounds: true } as const;
const keyIdSchema = pathId('key', 'API key');

@Controller('v1')
export class ApiKeysController {
  constructor(private readonly apiKeys: ApiKeysService) {}

  @Post('tenants/:tenantId/api-keys')
  @ShowsSecret()
  @Endpoint({
    summary: 'Create an API key for a tenant',
    description: 'The operator creates the first key of a tenant. With it the tenant can create more.',
    tag,
    access: { operator: true },
    answers: { 201: newApiKeyAnswer },
    problems: ['not_found', 'quota_exceeded'],
  })
  async createTenantApiKey(
    @CurrentCaller() caller: OperatorCaller,
    @Param('tenantId', { schema: pathId('ten', 'tenant') }) tenantId: string,
    @Body({ schema: createApiKeyBody }) body: CreateApiKeyBody,
  ) {
    return await this.apiKeys.createFor(caller, tenantId, body);
  }

  @Post('api-keys')
  @ShowsSecret()
  @Endpoint({
    summary: 'Create an API key',
    description:
      'A key can only give scopes that it has itself, and the new key ends no later than the key that makes it. The answer shows the new key once, and never again.',
    tag,
    access,
    answers: { 201: newApiKeyAnswer },
    problems: ['quota_exceeded'],
  })
  async create(@CurrentCaller() caller: TenantCaller, @Body({ schema: createApiKeyBody }) body: CreateApiKeyBody) {
    return await this.apiKeys.create(caller, body);
  }

  @Get('api-keys')
  @Endpoint({ summary: 'List API keys', tag, access, answers: { 200: apiKeyPage } })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.apiKeys.list(caller, query);
  }

  @Delete('api-keys/:keyId')
  @Endpoint({
    summary: 'Revoke an API key',
    description:
      'A key revokes only keys whose scopes it has itself. After a leak, `descendants=true` also revokes what the key has made.',
    tag,
    access: { ...access, evenIfSuspended: true },
    answers: { 204: null },
    problems: ['not_found'],
  })
  async revoke(
    @CurrentCaller() caller: TenantCaller,
    @Param('keyId', { schema: keyIdSchema }) keyId: string,
    @Query({ schema: revokeApiKeyQuery }) query: RevokeApiKeyQuery,
  ): Promise<void> {
    await this.apiKeys.revoke(caller, keyId, query);
  }

  @Post('api-keys/:keyId/rotate')
  @ShowsSecret()
  @Endpoint({
    summary: 'Replace an API key with a new one',
    description:
      'The new key has the name, the scopes and the lifetime of the old key. It ends no later than the key of the caller, and a key that rotates itself keeps its end. The old key stays valid for `graceSeconds`, but handles no keys. A key rotates only keys whose scopes it has itself, and a key is replaced once.',
    tag,
    access,
    answers: { 201: newApiKeyAnswer },
    problems: ['not_found', 'conflict', 'quota_exceeded'],
  })
  async rotate(
    @CurrentCaller() caller: TenantCaller,
    @Param('keyId', { schema: keyIdSchema }) keyId: string,
    @Body({ schema: rotateApiKeyBody }) body: RotateApiKeyBody,
  ) {
    return await this.apiKeys.rotate(caller, keyId, body);
  }
}
