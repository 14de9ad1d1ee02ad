import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import type { AuditEntry as AuditRow } from '../database/generated/client.ts';
import { idBefore } from '../ids.ts';
import { type Page, readCursor, toPage } from '../http/paging.ts';
import type { AuditEntryAnswer, AuditQuery } from './audit.schemas.ts';

@Injectable()
export class AuditService {
  constructor(private readonly database: ReadDatabase) {}

  /** Lists the entries of the caller's tenant, the newest first. */
  async list(caller: TenantCaller, query: AuditQuery): Promise<Page<AuditEntryAnswer>> {
    const before = readCursor(query.cursor);
    const rows = await this.database.inTenantOf(caller, (tx) =>
      tx.auditEntry.findMany({
        where: {
          tenantId: caller.tenantId,
          id: {
            ...(before !== undefined && { lt: before }),
            // Without the bound, the last page would read all that is older.
            ...(query.since !== undefined && { gt: idBefore('aud', new Date(query.since)) }),
          },
          ...(query.userId !== undefined && { userId: query.userId }),
          ...(query.spaceId !== undefined && { spaceId: query.spaceId }),
          ...(query.action !== undefined && { action: query.action }),
          ...(query.since !== undefined && { at: { gte: query.since } }),
        },
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      }),
    );
    return toPage(rows, query.limit, (row) => row.id, toEntry);
  }
}

function toEntry(row: AuditRow): AuditEntryAnswer {
  return {
    id: row.id,
    at: row.at.toISOString(),
    caller: row.caller as AuditEntryAnswer['caller'],
    action: row.action,
    ...(row.spaceId !== null && { spaceId: row.spaceId }),
    ...(row.userId !== null && { userId: row.userId }),
    ...(row.subject !== null && { subject: row.subject }),
    details: row.details as AuditEntryAnswer['details'],
    requestId: row.requestId,
    seq: row.seq === null ? null : Number(row.seq),
    hash: row.hash === null ? null : Buffer.from(row.hash).toString('hex'),
  };
}
