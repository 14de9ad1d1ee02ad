import { Controller, Get, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { auditPage, type AuditQuery, auditQuery } from './audit.schemas.ts';
import { AuditService } from './audit.service.ts';

@Controller('v1/audit')
export class AuditController {
  constructor(private readonly audit: AuditService) {}

  @Get()
  @Endpoint({
    summary: 'List audit entries',
    description:
      'The newest entry comes first. Entries are never changed or removed. Each holds the hash of the entry before it. The entry of a vend is here about a second after the vend.',
    tag: 'Audit',
    access: { scope: 'audit:read' },
    answers: { 200: auditPage },
  })
  async listAuditEntries(@CurrentCaller() caller: TenantCaller, @Query({ schema: auditQuery }) query: AuditQuery) {
    return await this.audit.list(caller, query);
  }
}
