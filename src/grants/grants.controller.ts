import { Controller, Get, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { grantPage, type GrantsQuery, grantsQuery } from './grants.schemas.ts';
import { GrantsService } from './grants.service.ts';

@Controller('v1/grants')
export class GrantsController {
  constructor(private readonly grants: GrantsService) {}

  @Get()
  @Endpoint({
    summary: 'List grants',
    description:
      'The newest grant comes first; in the list of a space, without `userId`, the grant whose session ends last. A grant never contains its token. App users must name a space in which they moderate, unless they moderate the whole tenant.',
    tag: 'Grants',
    access: { scope: 'moderation:read', users: true },
    answers: { 200: grantPage },
    problems: ['banned'],
  })
  async list(@CurrentCaller() caller: TenantCaller, @Query({ schema: grantsQuery }) query: GrantsQuery) {
    return await this.grants.list(caller, query);
  }
}
