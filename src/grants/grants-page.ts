import type { Tx } from '../database/database.ts';
import type { Grant as GrantRow, Prisma } from '../database/generated/client.ts';
import { invalid } from '../errors.ts';
import { rowsLookedAt } from '../http/paging.ts';
import type { Grant, GrantsQuery } from './grants.schemas.ts';

/** The column that orders a list, downwards: the newest grant first, or the one that lasts longest. Then the id counts. */
type Order = 'id' | 'expiresAt' | 'sessionExpiresAt';

type Place = Pick<GrantRow, 'id' | 'expiresAt' | 'sessionExpiresAt'>;

/** The grants of a page, with a key for each, and the key of the last grant that it looked at if there may be more. */
export interface GrantsPage {
  rows: GrantRow[];
  keyOf: (row: Place) => string;
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
  const { order, served } = readingOf(query, now, removedKeys);
  const keyOf = (row: Place) => (order === 'id' ? row.id : `${row[order].toISOString()} ${row.id}`);
  const inOrder: { orderBy: Prisma.GrantOrderByWithRelationInput[] } = {
    orderBy: order === 'id' ? [{ id: 'desc' }] : [{ [order]: 'desc' }, { id: 'desc' }],
  };
  const inIndex = [{ tenantId }, served, ...(cursor === undefined ? [] : [behind(order, cursor)])];
  const last = await tx.grant.findFirst({
    where: { AND: inIndex },
    select: { id: true, expiresAt: true, sessionExpiresAt: true },
    ...inOrder,
    skip: rowsLookedAt - 1,
  });
  const { userId, spaceId } = query;
  const others = [
    ...(last ? [upTo(order, last)] : []),
    ...(userId === undefined ? [] : [{ userId }]),
    ...(spaceId === undefined ? [] : [{ spaceId }]),
    stateCondition(query, now, removedKeys),
  ];
  const rows = await tx.grant.findMany({ where: { AND: [...inIndex, ...others] }, ...inOrder, take: query.limit + 1 });
  return { rows, keyOf, end: last ? keyOf(last) : undefined };
}

/** How a page is read: an index finds the grants of `served` in this order. */
function readingOf(
  { userId, spaceId, state, live }: GrantsQuery,
  now: Date,
  removedKeys: string[],
): { order: Order; served: Prisma.GrantWhereInput } {
  const isUsable = live === true || state === 'live' || state === 'watched';
  if (userId !== undefined) return { order: 'id', served: { userId } };
  if (spaceId !== undefined) {
    // The session of a token never ends before the token expires.
    if (isUsable) return { order: 'sessionExpiresAt', served: { spaceId, sessionExpiresAt: { gt: now } } };
    return { order: 'id', served: { spaceId } };
  }
  if (state === 'watched' || (state === 'revoked' && removedKeys.length === 0))
    return { order: 'id', served: { state } };
  if (isUsable) return { order: 'expiresAt', served: { expiresAt: { gt: now } } };
  if (state === 'expired') return { order: 'expiresAt', served: { expiresAt: { lte: now } } };
  return { order: 'id', served: {} };
}

/** The grants that come after a key in the list. The first of two conditions on a time is the one that an index can use. */
function behind(order: Order, key: string): Prisma.GrantWhereInput {
  if (order === 'id') return { id: { lt: key } };
  const space = key.indexOf(' ');
  const at = new Date(key.slice(0, Math.max(space, 0)));
  if (Number.isNaN(at.getTime())) throw invalid('cursor', 'must be a nextCursor of this list');
  return { [order]: { lte: at }, OR: [{ [order]: { lt: at } }, { id: { lt: key.slice(space + 1) } }] };
}

/** The grants of the list until this one, which is among them. */
function upTo(order: Order, last: Place): Prisma.GrantWhereInput {
  if (order === 'id') return { id: { gte: last.id } };
  const at = last[order];
  return { [order]: { gte: at }, OR: [{ [order]: { gt: at } }, { id: { gte: last.id } }] };
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
