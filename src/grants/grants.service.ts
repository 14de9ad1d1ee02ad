import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase } from '../database/database.ts';
import type { Grant as GrantRow, Prisma } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { type Page, readCursor, toPage } from '../http/paging.ts';
import type { Grant, GrantsQuery } from './grants.schemas.ts';

/** Shows the ledger: which tokens were handed out, and which can still be used. */
@Injectable()
export class GrantsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly authority: Authority,
    private readonly clock: DatabaseClock,
  ) {}

  /**
   * Lists grants, the newest first. An app user sees the grants of the spaces where they moderate.
   * @throws Problem `forbidden` or `banned`
   */
  async list(caller: TenantCaller, query: GrantsQuery): Promise<Page<Grant>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor);
    const now = this.clock.now();
    const { rows, removedKeys } = await this.database.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      const removedKeys = await valueIn(tx, 'removed_signing_keys', { tenant: tenantId }, z.array(z.string()));
      const rows = await tx.grant.findMany({
        where: {
          tenantId,
          ...(before !== undefined && { id: { lt: before } }),
          ...(query.userId !== undefined && { userId: query.userId }),
          ...(query.spaceId !== undefined && { spaceId: query.spaceId }),
          AND: [stateCondition(query, now, removedKeys)],
        },
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      });
      return { rows, removedKeys };
    });
    return toPage(
      rows,
      query.limit,
      (row) => row.id,
      (row) => toGrant(row, now, removedKeys),
    );
  }
}

/** The condition for the requested states. Grants whose token was never handed out are not shown. */
function stateCondition(query: GrantsQuery, now: Date, removedKeys: string[]): Prisma.GrantWhereInput {
  const unexpired: Prisma.GrantWhereInput = { expiresAt: { gt: now } };
  const signedByRemoved: Prisma.GrantWhereInput = { signingKeyId: { in: removedKeys } };
  const usable: Prisma.GrantWhereInput =
    removedKeys.length === 0
      ? unexpired
      : { ...unexpired, OR: [{ signingKeyId: null }, { signingKeyId: { notIn: removedKeys } }] };
  const revokedWithKey: Prisma.GrantWhereInput = {
    ...unexpired,
    ...signedByRemoved,
    state: { in: ['released', 'watched'] },
  };
  const byState: Record<Grant['state'], Prisma.GrantWhereInput> = {
    live: { ...usable, state: 'released' },
    watched: { ...usable, state: 'watched' },
    revoked: removedKeys.length === 0 ? { state: 'revoked' } : { OR: [{ state: 'revoked' }, revokedWithKey] },
    expired: { state: { in: ['released', 'watched'] }, expiresAt: { lte: now } },
  };
  const requested =
    query.state === undefined ? { state: { in: ['released', 'watched', 'revoked'] } } : byState[query.state];
  return query.live === true ? { AND: [requested, { OR: [byState.live, byState.watched] }] } : requested;
}

function toGrant(row: GrantRow, now: Date, removedKeys: string[]): Grant {
  return {
    id: row.id,
    kind: row.kind as Grant['kind'],
    spaceId: row.spaceId,
    userId: row.userId,
    role: row.role,
    ...(row.participantId !== null && { participantId: row.participantId }),
    ...(row.mint !== null && { mint: row.mint as NonNullable<Grant['mint']> }),
    capabilities: row.capabilities,
    issuedAt: row.issuedAt.toISOString(),
    expiresAt: row.expiresAt.toISOString(),
    state: stateOf(row, now, removedKeys),
  };
}

/** @param removedKeys keys that IVS has deleted. The rows of their grants follow in steps. */
function stateOf(row: GrantRow, now: Date, removedKeys: string[]): Grant['state'] {
  if (row.state === 'revoked') return 'revoked';
  if (row.expiresAt <= now) return 'expired';
  if (row.signingKeyId !== null && removedKeys.includes(row.signingKeyId)) return 'revoked';
  return row.state === 'watched' ? 'watched' : 'live';
}
