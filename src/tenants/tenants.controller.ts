import { Body, Controller, Get, Param, Patch, Post, Query } from '@nestjs/common';
import type { OperatorCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { pathId } from '../http/ids.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import {
  type CreateTenantBody,
  createTenantBody,
  tenant,
  tenantPage,
  type UpdateTenantBody,
  updateTenantBody,
} from './tenants.schemas.ts';
import { TenantsService } from './tenants.service.ts';

const tag = 'Tenants';
const access = { operator: true } as const;
const tenantIdSchema = pathId('ten', 'tenant');

@Controller('v1/tenants')
export class TenantsController {
  constructor(private readonly tenants: TenantsService) {}

  @Post()
  @Endpoint({ summary: 'Create a tenant', tag, access, answers: { 201: tenant }, problems: ['conflict'] })
  async create(@CurrentCaller() caller: OperatorCaller, @Body({ schema: createTenantBody }) body: CreateTenantBody) {
    return await this.tenants.create(caller, body);
  }

  @Get()
  @Endpoint({ summary: 'List tenants', tag, access, answers: { 200: tenantPage } })
  async list(@CurrentCaller() caller: OperatorCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.tenants.list(caller, query);
  }

  @Get(':tenantId')
  @Endpoint({ summary: 'Get a tenant', tag, access, answers: { 200: tenant }, problems: ['not_found'] })
  async get(@CurrentCaller() caller: OperatorCaller, @Param('tenantId', { schema: tenantIdSchema }) tenantId: string) {
    return await this.tenants.get(caller, tenantId);
  }

  @Patch(':tenantId')
  @Endpoint({
    summary: 'Change, suspend or resume a tenant',
    tag,
    access,
    answers: { 200: tenant },
    problems: ['not_found', 'conflict'],
  })
  async update(
    @CurrentCaller() caller: OperatorCaller,
    @Param('tenantId', { schema: tenantIdSchema }) tenantId: string,
    @Body({ schema: updateTenantBody }) body: UpdateTenantBody,
  ) {
    return await this.tenants.update(caller, tenantId, body);
  }
}
