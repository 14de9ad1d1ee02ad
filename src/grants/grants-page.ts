import { z } from 'zod';
import type { Tx } from '../database/database.ts';
import type { Grant as GrantRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { invalid } from '../errors.ts';
import { behindAllIds, rowsLookedAt } from '../http/paging.ts';
import type { GrantsQuery } from './grants.schemas.ts';

/** The column that orders a list, downwards: the newest grant first, or the one that lasts longest. Then the id counts. */
type Order = 'id' | 'expiresAt' | 'sessionExpiresAt';

/** How `page_of_grants` reads a page: the filter that an index serves, its value, and bounds of the time that orders the list. */
interface Reading {
  order: Order;
  by: 'user' | 'space' | 'state' | 'session' | 'expiry' | 'all';
  value: string | null;
  after?: Date;
  before?: Date;
}

/** Later than the end of every token and session. */
const endOfTime = new Date('9999-12-31T00:00:00Z');

const found = z.object({
  ids: z.array(z.string()),
  end: z.object({ id: z.string(), at: z.coerce.date().nullable() }).nullable(),
});

/** The grants of a page, with a key for each, and the key of the last grant that it looked at if there may be more. */
export interface GrantsPage {
  rows: GrantRow[];
  keyOf: (row: GrantRow) => string;
  end: string | undefined;
}

/**
 * Reads a page of the ledger. A page looks at `rowsLookedAt` grants at most. The newest grant comes first; where the list is
 * of grants that can be used or have expired, and not of one user, the grant comes first that expires last.
 * @param removedKeys keys that IVS has deleted. The rows of their grants follow in steps.
 * @throws Problem `invalid_request` if the cursor is of another list.
 */
export async function readGrants(
  tx: Tx,
  tenantId: string,
  query: GrantsQuery,
  cursor: string | undefined,
  now: Date,
  removedKeys: string[],
): Promise<GrantsPage> {
  const reading = readingOf(query, now, removedKeys);
  const place = placeOf(reading, cursor);
  const args = {
    tenant: tenantId,
    by: reading.by,
    value: reading.value,
    afterTime: reading.after ?? new Date(0),
    beforeTime: place.at ?? endOfTime,
    before: place.id,
    user: query.userId ?? null,
    space: query.spaceId ?? null,
    state: query.state ?? null,
    live: query.live ?? null,
    now,
    removedKeys,
    most: query.limit + 1,
    looked: rowsLookedAt,
  };
  const { ids, end } = await valueIn(tx, 'page_of_grants', args, found);
  const { order } = reading;
  const rows = await tx.grant.findMany({
    where: { tenantId, id: { in: ids } },
    orderBy: order === 'id' ? [{ id: 'desc' }] : [{ [order]: 'desc' }, { id: 'desc' }],
  });
  return {
    rows,
    keyOf: (row) => keyAt(row.id, order === 'id' ? null : row[order]),
    end: end === null ? undefined : keyAt(end.id, end.at),
  };
}

function readingOf({ userId, spaceId, state, live }: GrantsQuery, now: Date, removedKeys: string[]): Reading {
  const isUsable = live === true || state === 'live' || state === 'watched';
  if (userId !== undefined) return { order: 'id', by: 'user', value: userId };
  if (spaceId !== undefined) {
    // The session of a token never ends before the token expires.
    if (isUsable) return { order: 'sessionExpiresAt', by: 'session', value: spaceId, after: now };
    return { order: 'id', by: 'space', value: spaceId };
  }
  if (state === 'watched' || (state === 'revoked' && removedKeys.length === 0))
    return { order: 'id', by: 'state', value: state };
  if (isUsable) return { order: 'expiresAt', by: 'expiry', value: null, after: now };
  if (state === 'expired') {
    // The times of grants are whole milliseconds.
    return { order: 'expiresAt', by: 'expiry', value: null, before: new Date(now.getTime() + 1) };
  }
  return { order: 'id', by: 'all', value: null };
}

/** The place behind which the page begins. @throws Problem `invalid_request` if the cursor is of another list. */
function placeOf({ order, before }: Reading, cursor: string | undefined): { id: string; at?: Date | undefined } {
  if (order === 'id') return { id: cursor ?? behindAllIds };
  if (cursor === undefined) return { id: '', at: before };
  const space = cursor.indexOf(' ');
  const at = new Date(cursor.slice(0, Math.max(space, 0)));
  if (Number.isNaN(at.getTime())) throw invalid('cursor', 'must be a nextCursor of this list');
  return { id: cursor.slice(space + 1), at };
}

function keyAt(id: string, at: Date | null): string {
  return at === null ? id : `${at.toISOString()} ${id}`;
}
