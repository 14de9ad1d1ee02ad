import { z } from 'zod';
import type { Database, Tx } from '../database/database.ts';
import type { Grant as GrantRow } from '../database/generated/client.ts';
import { callIn, runIn, valueIn } from '../database/sql-call.ts';
import { notFound } from '../errors.ts';
import { keyAt, placeOf } from '../http/paging.ts';
import { limits } from '../limits.ts';

/** Locks a user until the transaction ends. No vend to them is under way meanwhile. */
export async function lockUser(tx: Tx, tenantId: string, userId: string): Promise<void> {
  await runIn(tx, 'lock_user', { tenant: tenantId, user: userId, exclusive: true });
}

/**
 * Ids of the grants that a user may be connected with, or may still connect with, in the order in which an act treats them.
 * @param before ISO 8601. Only grants issued before this time count.
 */
export async function grantsToActOn(
  tx: Tx,
  tenantId: string,
  { userId, spaceId, before }: { userId: string; spaceId?: string; before?: string | undefined },
): Promise<string[]> {
  return await valueIn(
    tx,
    'grants_to_act_on',
    { tenant: tenantId, user: userId, space: spaceId ?? null, before: before ?? 'infinity', limits },
    z.array(z.string()),
  );
}

/** Ids of the grants that anybody may be connected with in a space, or may still connect with. */
export async function grantsInSpace(tx: Tx, tenantId: string, spaceId: string): Promise<string[]> {
  return await valueIn(tx, 'grants_in_space', { tenant: tenantId, space: spaceId, limits }, z.array(z.string()));
}

/**
 * Ids of the grants that allow to publish or to send in a space and have a role that does not moderate, in the order in
 * which an act treats them. A role that was taken from its user since does not count.
 */
export async function grantsToSilence(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  moderatorRoles: string[],
): Promise<string[]> {
  return await valueIn(
    tx,
    'grants_to_silence',
    { tenant: tenantId, space: spaceId, user: null, moderatorRoles, limits },
    z.array(z.string()),
  );
}

/**
 * Refuses the tokens that are being made now, so that they are not handed out. The transaction holds the lock of the user
 * or of the space.
 */
export async function refusePendingGrants(
  tx: Tx,
  tenantId: string,
  filter: { userId?: string; spaceId?: string; before?: string | undefined; sparedRoles?: string[] },
): Promise<void> {
  await runIn(tx, 'refuse_pending_grants', {
    tenant: tenantId,
    space: filter.spaceId ?? null,
    user: filter.userId ?? null,
    before: filter.before ?? 'infinity',
    sparedRoles: filter.sparedRoles ?? [],
  });
}

/** The grant with this id. @throws Problem `not_found`, also if its token was never handed out. */
export async function findVendedGrant(tx: Tx, tenantId: string, grantId: string): Promise<GrantRow> {
  const state = { in: ['released', 'watched', 'revoked'] };
  const row = await tx.grant.findFirst({ where: { tenantId, id: grantId, state } });
  if (!row) throw notFound('grant');
  return row;
}

/** Ids of the spaces whose stage tokens work on the stage of a space: deleted spaces may have had the stage before. */
async function spacesOnSameStage(tx: Tx, tenantId: string, spaceId: string): Promise<string[]> {
  const row = z.object({ space_id: z.string(), kind: z.enum(['stage', 'chat']) });
  const rows = await callIn(tx, 'spaces_sharing', { tenant: tenantId, space: spaceId }, row);
  return rows.filter(({ kind }) => kind === 'stage').map(({ space_id: id }) => id);
}

/**
 * One grant of a participant. They may have several, all of the same user. Undefined if Stagedoor did not vend their token.
 */
export async function anyGrantOfParticipant(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  participantId: string,
): Promise<GrantRow | undefined> {
  const spaceIds = await spacesOnSameStage(tx, tenantId, spaceId);
  return (await tx.grant.findFirst({ where: { tenantId, spaceId: { in: spaceIds }, participantId } })) ?? undefined;
}

/** The newest grant of each of these participants, by participant id. */
export async function newestGrantsOfParticipants(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  participantIds: string[],
): Promise<Map<string | null, GrantRow>> {
  const spaceIds = await spacesOnSameStage(tx, tenantId, spaceId);
  const rows = await tx.grant.findMany({
    where: { tenantId, spaceId: { in: spaceIds }, participantId: { in: participantIds } },
    orderBy: { id: 'asc' },
  });
  return new Map(rows.map((row) => [row.participantId, row]));
}

const revocationStep = z.object({ revoked: z.int(), from: z.string() });

/**
 * Marks the grants whose tokens a signing key has signed as revoked: IVS does not accept these tokens any more. There may be
 * very many, so each step is a transaction of its own. It is safe to repeat after an interruption.
 */
export async function revokeGrantsOfSigningKey(database: Database, tenantId: string, keyId: string): Promise<void> {
  const limit = limits.grantsAtOnce;
  let from = '-infinity';
  for (;;) {
    const args = { tenant: tenantId, key: keyId, from, limit };
    const step = await database.value('revoke_grants_of_key', args, revocationStep);
    if (step.revoked < limit) return;
    from = step.from;
  }
}

/** Tokens of a signing key are counted up to this number. */
export const mostTokensCounted = 1_000_000;

/** Number of unexpired tokens that a signing key has signed, `mostTokensCounted` at most. */
export async function countLiveTokensOfSigningKey(tx: Tx, tenantId: string, keyId: string): Promise<number> {
  const args = { tenant: tenantId, key: keyId, most: mostTokensCounted };
  return await valueIn(tx, 'count_live_tokens_of_key', args, z.int());
}

/** The expiry of the last token that each of these signing keys has signed. A key that has signed none is missing. */
export async function lastTokenExpiries(tx: Tx, tenantId: string, keyIds: string[]): Promise<Map<string, Date>> {
  const found = await Promise.all(
    keyIds.map((signingKeyId) =>
      tx.grant
        .aggregate({ where: { tenantId, signingKeyId }, _max: { expiresAt: true } })
        .then(({ _max }) => [signingKeyId, _max.expiresAt] as const),
    ),
  );
  return new Map(found.filter((entry): entry is [string, Date] => entry[1] !== null));
}

/** A page of grants that somebody may be connected with, or may still connect with. */
export interface HeldGrants {
  grants: GrantRow[];
  /** The key to go on after; undefined: that is all. */
  next: string | undefined;
}

/**
 * The tokens of a space that can still be used, in the order in which they end: a page of at most `limit` rows, some of which
 * may be left out. A stage token can be used to join until it expires, and a chat token until its session ends.
 * @param after `next` of the page before. A text without a time begins at the first.
 * @throws Problem `invalid_request` if its time is none.
 */
export async function heldGrants(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  { after, limit, now }: { after: string | undefined; limit: number; now: Date },
): Promise<HeldGrants> {
  const { at, id } = placeOf(after) ?? { at: null, id: '' };
  const from = at !== null && at > now ? at : now;
  const rows = await tx.grant.findMany({
    where: {
      tenantId,
      spaceId,
      sessionExpiresAt: { gte: from },
      ...(at !== null && { NOT: { sessionExpiresAt: at, id: { lte: id } } }),
    },
    orderBy: [{ sessionExpiresAt: 'asc' }, { id: 'asc' }],
    take: limit + 1,
  });
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    grants: page.filter(({ state, sessionExpiresAt }) => isHeld.has(state) && sessionExpiresAt > now),
    next: rows.length > limit && last ? keyAt({ id: last.id, at: last.sessionExpiresAt }) : undefined,
  };
}

/** States of grants whose tokens were handed out, and can be used until they expire. */
const isHeld = new Set(['released', 'watched']);
