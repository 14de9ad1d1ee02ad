import { Controller, Delete, Get, Param, Query } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type EndTenantQuery, endTenantQuery, tenantEnd } from './tenant-ends.schemas.ts';
import { TenantEndsService } from './tenant-ends.service.ts';

const tag = 'Tenants';
const access = { operator: true } as const;
const tenantIdSchema = pathId('ten', 'tenant');

@Controller('v1/tenants/:tenantId')
export class TenantEndsController {
  constructor(private readonly ends: TenantEndsService) {}

  @Delete()
  @Endpoint({
    summary: 'End a tenant',
    description:
      'The tenant must be suspended. Everything that it owns is deleted, in steps, with the stages, rooms and public keys at Amazon IVS that the service has made. There is no way back. `GET /v1/tenants/{tenantId}/end` says how far it has come, and what remains. Its slug is never given again.',
    tag,
    access,
    answers: { 202: tenantEnd },
    meaning: 'The end is recorded. The service goes on with it.',
    problems: ['not_found', 'conflict'],
  })
  async endTenant(
    @CurrentCaller() caller: OperatorCaller,
    @Param('tenantId', { schema: tenantIdSchema }) tenantId: string,
    @Query({ schema: endTenantQuery }) query: EndTenantQuery,
  ) {
    return await this.ends.begin(caller, tenantId, query);
  }

  @Get('end')
  @Endpoint({
    summary: 'Get the end of a tenant',
    description: 'It says how far the service has come, and what remains and why.',
    tag,
    access,
    answers: { 200: tenantEnd },
    problems: ['not_found'],
  })
  async getTenantEnd(
    @CurrentCaller() caller: OperatorCaller,
    @Param('tenantId', { schema: tenantIdSchema }) tenantId: string,
  ) {
    return await this.ends.get(caller, tenantId);
  }
}
