import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Authority } from '../auth/authority.ts';
import type { TenantCaller } from '../caller.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { ReadDatabase } from '../database/database.ts';
import type { Grant as GrantRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { type Page, readCursor, timeKeys, toPage } from '../http/paging.ts';
import { readGrants } from './grants-page.ts';
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
   * Lists grants, in the order that `readGrants` gives them. An app user sees the grants of the spaces where they moderate.
   * @throws Problem `forbidden` or `banned`
   */
  async list(caller: TenantCaller, query: GrantsQuery): Promise<Page<Grant>> {
    const { tenantId } = caller;
    const cursor = readCursor(query.cursor, timeKeys('grt'));
    const now = this.clock.now();
    const { page, removedKeys } = await this.database.inTenantOf(caller, async (tx) => {
      await this.authority.assertModerator(tx, caller, query.spaceId ?? null);
      const removedKeys = await valueIn(tx, 'removed_signing_keys', { tenant: tenantId }, z.array(z.string()));
      return { removedKeys, page: await readGrants(tx, tenantId, query, cursor, now, removedKeys) };
    });
    return toPage(page.rows, query.limit, page.keyOf, (row) => toGrant(row, now, removedKeys), page.end);
  }
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
