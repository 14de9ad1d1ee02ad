import { Injectable } from '@nestjs/common';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { ReadDatabase } from '../database/database.ts';
import type { Grant as GrantRow, Prisma } from '../database/generated/client.ts';
import { type Page, readCursor, toPage } from '../http/paging.ts';
import type { Grant, GrantsQuery } from './grants.schemas.ts';

/** Shows the ledger: which tokens were handed out, and which can still be used. */
@Injectable()
export class GrantsService {
  constructor(
    private readonly database: ReadDatabase,
    private readonly authority: Authority,
  ) {}

  /**
   * Lists grants, the newest first. An app user sees the grants of the spaces where they moderate.
   * @throws Problem `forbidden` or `banned`
   */
  async list(caller: TenantCaller, query: GrantsQuery): Promise<Page<Grant>> {
    const { tenantId } = caller;
    const before = readCursor(query.cursor);
    const now = new Date();
    const rows = await this.database.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      return await tx.grant.findMany({
        where: {
          tenantId,
          ...(before !== undefined && { id: { lt: before } }),
          ...(query.userId !== undefined && { userId: query.userId }),
          ...(query.spaceId !== undefined && { spaceId: query.spaceId }),
          AND: [stateCondition(query, now)],
        },
        orderBy: { id: 'desc' },
        take: query.limit + 1,
      });
    });
    return toPage(
      rows,
      query.limit,
      (row) => row.id,
      (row) => toGrant(row, now),
    );
  }
}

/** The condition for the requested states. Grants whose token was never handed out are not shown. */
function stateCondition(query: GrantsQuery, now: Date): Prisma.GrantWhereInput {
  const usable: Prisma.GrantWhereInput = { expiresAt: { gt: now } };
  const byState: Record<Grant['state'], Prisma.GrantWhereInput> = {
    live: { ...usable, state: 'released' },
    watched: { ...usable, state: 'watched' },
    revoked: { state: 'revoked' },
    expired: { state: { in: ['released', 'watched'] }, expiresAt: { lte: now } },
  };
  const requested =
    query.state === undefined ? { state: { in: ['released', 'watched', 'revoked'] } } : byState[query.state];
  return query.live === true ? { AND: [requested, { OR: [byState.live, byState.watched] }] } : requested;
}

function toGrant(row: GrantRow, now: Date): Grant {
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
    state: stateOf(row, now),
  };
}

function stateOf(row: GrantRow, now: Date): Grant['state'] {
  if (row.state === 'revoked') return 'revoked';
  if (row.expiresAt <= now) return 'expired';
  return row.state === 'watched' ? 'watched' : 'live';
}
