import { z } from 'zod';
import type { Tx } from '../database/database.ts';
import type { Grant as GrantRow } from '../database/generated/client.ts';
import { runIn, valueIn } from '../database/sql-call.ts';
import { notFound } from '../errors.ts';
import { limits } from '../limits.ts';

/** No vend to the user is under way from here on, until the transaction ends. */
export async function lockUser(tx: Tx, tenantId: string, userId: string): Promise<void> {
  await runIn(tx, 'lock_user', { tenant: tenantId, user: userId, exclusive: true });
}

/** Ids of a user's grants that matter to somebody who wants the user out, in the order in which they are acted on. */
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

/** Ids of the grants that keep a space from being quiet, in the order in which they are acted on. */
export async function grantsToSilence(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  moderatorRoles: string[],
): Promise<string[]> {
  return await valueIn(
    tx,
    'grants_to_silence',
    { tenant: tenantId, space: spaceId, moderatorRoles, limits },
    z.array(z.string()),
  );
}

/** Refuses the tokens that are being made now. The caller holds the lock of the user or of the space. */
export async function refusePendingGrants(
  tx: Tx,
  tenantId: string,
  which: { userId?: string; spaceId?: string; before?: string | undefined; sparedRoles?: string[] },
): Promise<void> {
  await runIn(tx, 'refuse_pending_grants', {
    tenant: tenantId,
    space: which.spaceId ?? null,
    user: which.userId ?? null,
    before: which.before ?? 'infinity',
    sparedRoles: which.sparedRoles ?? [],
  });
}

/** A grant whose token was handed out. @throws Problem `not_found` */
export async function findVendedGrant(tx: Tx, tenantId: string, grantId: string): Promise<GrantRow> {
  const state = { in: ['released', 'watched', 'revoked'] };
  const row = await tx.grant.findFirst({ where: { tenantId, id: grantId, state } });
  if (!row) throw notFound('grant');
  return row;
}

/** A grant of a participant; they may have several, all of one user. Undefined if Stagedoor did not vend their token. */
export async function anyGrantOfParticipant(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  participantId: string,
): Promise<GrantRow | undefined> {
  return (await tx.grant.findFirst({ where: { tenantId, spaceId, participantId } })) ?? undefined;
}

/** The newest grant of each of these participants, by participant id. */
export async function newestGrantsOfParticipants(
  tx: Tx,
  tenantId: string,
  spaceId: string,
  participantIds: string[],
): Promise<Map<string | null, GrantRow>> {
  const rows = await tx.grant.findMany({
    where: { tenantId, spaceId, participantId: { in: participantIds } },
    orderBy: { id: 'asc' },
  });
  return new Map(rows.map((row) => [row.participantId, row]));
}

/** Notes that IVS no longer accepts what a signing key has signed. */
export async function revokeGrantsOfSigningKey(tx: Tx, tenantId: string, signingKeyId: string): Promise<void> {
  await tx.grant.updateMany({
    where: { tenantId, signingKeyId, state: { in: ['released', 'watched'] }, expiresAt: { gt: new Date() } },
    data: { state: 'revoked' },
  });
}

/** When the last token each signing key has signed stops opening doors. */
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
