import { Injectable } from '@nestjs/common';
import type { TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import type { AuditEntry as AuditRow, Prisma } from '../database/generated/client.ts';
import { idBefore } from '../ids.ts';
import { type Page, readCursor, rowsLookedAt, toPage } from '../http/paging.ts';
import type { AuditEntryAnswer, AuditQuery } from './audit.schemas.ts';

@Injectable()
export class AuditService {
  constructor(private readonly database: ReadDatabase) {}

  /** Lists the entries of the caller's tenant, the newest first. */
  async list(caller: TenantCaller, query: AuditQuery): Promise<Page<AuditEntryAnswer>> {
    const before = readCursor(query.cursor);
    const { served, others } = conditionsOf(caller.tenantId, query);
    const inOrder = { orderBy: { id: 'desc' } } as const;
    const { rows, end } = await this.database.inTenantOf(caller, async (tx) => {
      const id = {
        ...(before !== undefined && { lt: before }),
        // Without the bound, the last page would look at all that is older.
        ...(query.since !== undefined && { gt: idBefore('aud', new Date(query.since)) }),
      };
      const last = others
        ? await tx.auditEntry.findFirst({
            where: { ...served, id },
            select: { id: true },
            ...inOrder,
            skip: rowsLookedAt - 1,
          })
        : null;
      const where = { ...served, ...others, id: { ...id, ...(last && { gte: last.id }) } };
      return { rows: await tx.auditEntry.findMany({ where, ...inOrder, take: query.limit + 1 }), end: last?.id };
    });
    return toPage(rows, query.limit, (row) => row.id, toEntry, end);
  }
}

/** `served`: what an index finds in the order of the list. `others`: further conditions, if there are any. */
function conditionsOf(
  tenantId: string,
  { userId, spaceId, action, since }: AuditQuery,
): { served: Prisma.AuditEntryWhereInput; others: Prisma.AuditEntryWhereInput | undefined } {
  const conditions: Prisma.AuditEntryWhereInput[] = [
    ...(userId === undefined ? [] : [{ userId }]),
    ...(spaceId === undefined ? [] : [{ spaceId }]),
    ...(action === undefined ? [] : [{ action }]),
  ];
  const [first, ...more] = conditions;
  if (since !== undefined) more.push({ at: { gte: since } });
  return { served: { tenantId, ...first }, others: more.length === 0 ? undefined : { AND: more } };
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
