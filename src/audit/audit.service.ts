import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase } from '../database/database.ts';
import { invalid } from '../errors.ts';
import type { AuditEntry as AuditRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { idBefore } from '../ids.ts';
import {
  behindAllIds,
  endOfTime,
  foundPageByTime,
  keyAt,
  type Page,
  placeOf,
  readCursor,
  rowsLookedAt,
  timeKeys,
  toPage,
} from '../http/paging.ts';
import {
  type AuditChain,
  type AuditChainQuery,
  type AuditEntryAnswer,
  type AuditQuery,
  entriesChecked,
} from './audit.schemas.ts';

@Injectable()
export class AuditService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly clock: DatabaseClock,
  ) {}

  /** Lists the entries of the caller's tenant, the newest first. */
  async list(caller: TenantCaller, query: AuditQuery): Promise<Page<AuditEntryAnswer>> {
    const place = placeOf(readCursor(query.cursor, timeKeys('aud')));
    const { by, value, isExact, isByTime } = readingOf(query, place?.at === null);
    if (!isByTime && place?.at) throw invalid('cursor', 'must be a nextCursor of this list');
    const most = query.limit + 1;
    const args = {
      tenant: caller.tenantId,
      by,
      value,
      // Without the bound, the last page would look at all that is older.
      after: query.since === undefined ? '' : idBefore('aud', new Date(query.since)),
      beforeTime: place?.at ?? endOfTime,
      before: place?.id ?? (isByTime ? '' : behindAllIds),
      user: query.userId ?? null,
      space: query.spaceId ?? null,
      action: query.action ?? null,
      caller: query.callerId ?? null,
      since: query.since ?? null,
      most,
      looked: isExact ? most : rowsLookedAt,
    };
    const { rows, end } = await this.database.inTenantOf(caller, async (tx) => {
      const { ids, end } = await valueIn(tx, 'page_of_audit', args, foundPageByTime);
      const where = { tenantId: caller.tenantId, id: { in: ids } };
      const byTime = isByTime ? [{ at: 'desc' } as const] : [];
      return { rows: await tx.auditEntry.findMany({ where, orderBy: [...byTime, { id: 'desc' }] }), end };
    });
    const keyOf = (row: AuditRow) => keyAt({ id: row.id, at: isByTime ? row.at : null });
    return toPage(rows, query.limit, keyOf, toEntry, end === null ? null : keyAt(end));
  }

  /** Checks the newest entries in the hash chain of the caller's tenant, or those that end at a place. */
  async check(caller: TenantCaller, { to }: AuditChainQuery): Promise<AuditChain> {
    const args = { tenant: caller.tenantId, to: to ?? null, most: entriesChecked };
    const found = await this.database.inTenantOf(caller, (tx) => valueIn(tx, 'check_audit_chain', args, checkedChain));
    const { head, waiting, from, to: last, fault } = found;
    const checked =
      from === null || last === null ? null : { from, to: last, at: this.clock.now().toISOString(), fault };
    return { head: head && { ...head, at: head.at.toISOString() }, waiting, checked };
  }
}

/** What `check_audit_chain` answers. */
const checkedChain = z.object({
  head: z.object({ id: z.string(), seq: z.int(), at: z.coerce.date(), hash: z.string() }).nullable(),
  waiting: z.int(),
  from: z.int().nullable(),
  to: z.int().nullable(),
  fault: z.object({ seq: z.int(), id: z.string().nullable(), problem: z.enum(['changed', 'missing']) }).nullable(),
});

/** The actions of vends. Almost all entries have them, so no index serves them (`audit_looked_at`). */
const vendActions = new Set(['space.join', 'stageToken.create', 'chatToken.create']);

/** How `page_of_audit` reads a page: the filter that an index serves, whether it is the only one, and in which order. */
interface Reading {
  by: 'user' | 'space' | 'action' | 'all';
  value: string | null;
  isExact: boolean;
  isByTime: boolean;
}

/** @param isById whether the page goes on where one in the order of ids ended: so builds before listed by user and by space. */
function readingOf({ userId, spaceId, action, callerId, since }: AuditQuery, isById: boolean): Reading {
  const filters = [userId, spaceId, action, callerId].filter((value) => value !== undefined).length;
  if (!isById && userId !== undefined) return { by: 'user', value: userId, isExact: filters === 1, isByTime: true };
  if (!isById && spaceId !== undefined) return { by: 'space', value: spaceId, isExact: filters === 1, isByTime: true };
  const isExact = since === undefined;
  if (action !== undefined && filters === 1 && !vendActions.has(action))
    return { by: 'action', value: action, isExact, isByTime: false };
  return { by: 'all', value: null, isExact: isExact && filters === 0, isByTime: false };
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
