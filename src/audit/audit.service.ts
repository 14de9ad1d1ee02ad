import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import type { AuditEntry as AuditRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { idBefore } from '../ids.ts';
import { behindAllIds, foundPage, type Page, readCursor, rowsLookedAt, toPage } from '../http/paging.ts';
import type { AuditEntryAnswer, AuditQuery } from './audit.schemas.ts';

@Injectable()
export class AuditService {
  constructor(private readonly database: ReadDatabase) {}

  /** Lists the entries of the caller's tenant, the newest first. */
  async list(caller: TenantCaller, query: AuditQuery): Promise<Page<AuditEntryAnswer>> {
    const before = readCursor(query.cursor);
    const { by, value, isExact } = servedBy(query);
    const most = query.limit + 1;
    const args = {
      tenant: caller.tenantId,
      by,
      value,
      // Without the bound, the last page would look at all that is older.
      after: query.since === undefined ? '' : idBefore('aud', new Date(query.since)),
      before: before ?? behindAllIds,
      space: query.spaceId ?? null,
      action: query.action ?? null,
      since: query.since ?? null,
      most,
      looked: isExact ? most : rowsLookedAt,
    };
    const { rows, end } = await this.database.inTenantOf(caller, async (tx) => {
      const { ids, end } = await valueIn(tx, 'page_of_audit', args, foundPage);
      const where = { tenantId: caller.tenantId, id: { in: ids } };
      return { rows: await tx.auditEntry.findMany({ where, orderBy: { id: 'desc' } }), end };
    });
    return toPage(rows, query.limit, (row) => row.id, toEntry, end);
  }
}

/** The filter that an index serves, and whether it is the only one. */
function servedBy({ userId, spaceId, action, since }: AuditQuery): {
  by: string;
  value: string | null;
  isExact: boolean;
} {
  const given = Object.entries({ user: userId, space: spaceId, action }).filter(([, value]) => value !== undefined);
  const [[by, value] = ['all', undefined]] = given;
  return { by, value: value ?? null, isExact: given.length <= 1 && since === undefined };
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
