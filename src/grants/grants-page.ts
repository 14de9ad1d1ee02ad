import type { Tx } from '../database/database.ts';
import type { Grant as GrantRow } from '../database/generated/client.ts';
import { valueIn } from '../database/sql-call.ts';
import { invalid } from '../errors.ts';
import { behindAllIds, endOfTime, foundPageByTime, keyAt, placeOf, rowsLookedAt } from '../http/paging.ts';
import type { GrantsQuery } from './grants.schemas.ts';

/** The column that orders a list, downwards. Then the id counts. */
type Order = 'id' | 'issuedAt' | 'expiresAt' | 'sessionExpiresAt';

/** How `page_of_grants` reads a page: the filter that an index serves, its value, and bounds of the time that orders the list. */
interface Reading {
  order: Order;
  by: 'user' | 'space' | 'state' | 'expiry' | 'all';
  value: string | null;
  after?: Date;
  before?: Date;
}

/** The grants of a page, with a key for each, and the key of the last grant that it looked at if there may be more. */
export interface GrantsPage {
  rows: GrantRow[];
  keyOf: (row: GrantRow) => string;
  end: string | undefined;
}

/**
 * Reads a page of the ledger. A page looks at `rowsLookedAt` grants at most. The newest grant comes first; in the list
 * of a space the grant whose session ends last, and in a list of all that can be used or have expired the one that expires last.
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
  const place = placeOf(cursor);
  const reading = readingOf(query, now, removedKeys, place?.at === null);
  const { order } = reading;
  if (order === 'id' && place?.at) throw invalid('cursor', 'must be a nextCursor of this list');
  const args = {
    tenant: tenantId,
    by: reading.by,
    value: reading.value,
    afterTime: reading.after ?? new Date(0),
    beforeTime: place?.at ?? reading.before ?? endOfTime,
    before: place?.id ?? (order === 'id' ? behindAllIds : ''),
    user: query.userId ?? null,
    space: query.spaceId ?? null,
    ivsUser: query.ivsUserId ?? null,
    state: query.state ?? null,
    live: query.live ?? null,
    now,
    removedKeys,
    most: query.limit + 1,
    looked: rowsLookedAt,
  };
  const { ids, end } = await valueIn(tx, 'page_of_grants', args, foundPageByTime);
  const rows = await tx.grant.findMany({
    where: { tenantId, id: { in: ids } },
    orderBy: order === 'id' ? [{ id: 'desc' }] : [{ [order]: 'desc' }, { id: 'desc' }],
  });
  return {
    rows,
    keyOf: (row) => keyAt({ id: row.id, at: order === 'id' ? null : row[order] }),
    end: end === null ? undefined : keyAt(end),
  };
}

/** @param isById whether the page goes on where one in the order of ids ended: so builds before listed by user and by space. */
function readingOf(
  { userId, spaceId, state, live }: GrantsQuery,
  now: Date,
  removedKeys: string[],
  isById: boolean,
): Reading {
  const isUsable = live === true || state === 'live' || state === 'watched';
  const isOfAll = userId === undefined && spaceId === undefined;
  if (isOfAll && (state === 'watched' || (state === 'revoked' && removedKeys.length === 0)))
    return { order: 'id', by: 'state', value: state };
  if (isById) return { order: 'id', by: 'all', value: null };
  if (userId !== undefined) return { order: 'issuedAt', by: 'user', value: userId };
  if (spaceId !== undefined) {
    // The session of a token never ends before the token expires.
    return { order: 'sessionExpiresAt', by: 'space', value: spaceId, ...(isUsable && { after: now }) };
  }
  if (isUsable) return { order: 'expiresAt', by: 'expiry', value: null, after: now };
  if (state === 'expired') {
    // The times of grants are whole milliseconds.
    return { order: 'expiresAt', by: 'expiry', value: null, before: new Date(now.getTime() + 1) };
  }
  return { order: 'id', by: 'all', value: null };
}
