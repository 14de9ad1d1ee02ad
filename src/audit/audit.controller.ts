import { Controller, Get, Query } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { CurrentCaller } from '../http/access.ts';
import { Endpoint } from '../http/endpoint.ts';
import { type ListQuery, listQuery } from '../http/paging.ts';
import { AuditCheckpoints } from './audit-checkpoints.ts';
import {
  auditChain,
  type AuditChainQuery,
  auditChainQuery,
  auditCheckpointPage,
  auditPage,
  type AuditQuery,
  auditQuery,
} from './audit.schemas.ts';
import { AuditService } from './audit.service.ts';

@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly audit: AuditService,
    private readonly checkpoints: AuditCheckpoints,
  ) {}

  @Get()
  @Endpoint({
    summary: 'List audit entries',
    description:
      'The newest entry comes first. Entries are never changed. They are deleted after the days that the tenant keeps them (`/v1/settings`). Each holds the hash of the entry before it. The entry of a vend is here about a second after the vend.',
    tag: 'Audit',
    access: { scope: 'audit:read' },
    answers: { 200: auditPage },
  })
  async listAuditEntries(@CurrentCaller() caller: TenantCaller, @Query({ schema: auditQuery }) query: AuditQuery) {
    return await this.audit.list(caller, query);
  }

  @Get('chain')
  @Endpoint({
    summary: 'Check the chain of the audit log',
    description:
      'Computes the hashes of 1,000 entries anew: of the newest, or of those that end at `to`. To check the whole log, go on with `checked.from - 1` as `to`, until `checked.from` is 1, or `checked` is null: what is older is deleted.',
    tag: 'Audit',
    access: { scope: 'audit:read' },
    answers: { 200: auditChain },
  })
  async checkAuditChain(
    @CurrentCaller() caller: TenantCaller,
    @Query({ schema: auditChainQuery }) query: AuditChainQuery,
  ) {
    return await this.audit.check(caller, query);
  }

  @Get('checkpoints')
  @Endpoint({
    summary: 'List the signed places of the hash chain',
    description:
      'The newest comes first. The service signs a place about once an hour, and before it deletes entries. Keep copies elsewhere: with them you can show that the log was not changed before that place.',
    tag: 'Audit',
    access: { scope: 'audit:read' },
    answers: { 200: auditCheckpointPage },
  })
  async listCheckpoints(@CurrentCaller() caller: TenantCaller, @Query({ schema: listQuery }) query: ListQuery) {
    return await this.checkpoints.list(caller, query);
  }
}
