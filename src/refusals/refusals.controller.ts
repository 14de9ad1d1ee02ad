import { Controller, Get, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { refusalCounts, type RefusalsQuery, refusalsQuery } from './refusals.schemas.ts';
import { RefusalsService } from './refusals.service.ts';

@Controller('v1/refusals')
export class RefusalsController {
  constructor(private readonly refusals: RefusalsService) {}

  @Get()
  @Endpoint({
    summary: 'Count refused requests for tokens',
    description:
      'How many joins and other requests for tokens were refused to the tenant, by hour and reason. A refusal is counted about five seconds after it. Those of the last five seconds before a replica dies are not. Requests that a limit of the service turned away before the decision, and failures of the service or of Amazon IVS, are not among them.',
    tag: 'Joining',
    access: { scope: 'moderation:read' },
    answers: { 200: refusalCounts },
  })
  async listRefusals(@CurrentCaller() caller: TenantCaller, @Query({ schema: refusalsQuery }) query: RefusalsQuery) {
    return await this.refusals.list(caller, query);
  }
}
