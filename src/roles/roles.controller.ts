import { Body, Controller, Delete, Get, Param, Put, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { pathRole, type PutRoleBody, putRoleBody, role, roleName, rolePage } from './roles.schemas.ts';
import { RolesService } from './roles.service.ts';

const tag = 'Roles';

@Controller('v1/roles')
export class RolesController {
  constructor(private readonly roles: RolesService) {}

  @Get()
  @Endpoint({
    summary: 'List roles',
    tag,
    access: { scope: 'spaces:read', keepsBounds: true },
    answers: { 200: rolePage },
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.roles.list(caller, query);
  }

  @Put(':name')
  @Endpoint({
    summary: 'Create or replace a role',
    description:
      'The role applies to tokens that are vended from now on. Tokens vended earlier do not change. In a frozen space, who has a role that moderates no more is disconnected, unless they only watch.',
    tag,
    access: { scope: 'roles:write' },
    answers: { 200: role },
    problems: ['quota_exceeded'],
  })
  async put(
    @CurrentCaller() caller: TenantCaller,
    @Param('name', { schema: roleName }) name: string,
    @Body({ schema: putRoleBody }) body: PutRoleBody,
  ) {
    return await this.roles.put(caller, name, body);
  }

  @Delete(':name')
  @Endpoint({
    summary: 'Delete a role',
    tag,
    access: { scope: 'roles:write' },
    answers: { 204: null },
    problems: ['not_found', 'conflict'],
  })
  async remove(
    @CurrentCaller() caller: TenantCaller,
    @Param('name', { schema: pathRole }) name: string,
  ): Promise<void> {
    await this.roles.remove(caller, name);
  }
}
