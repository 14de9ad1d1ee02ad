import type { KeyBounds } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { callIn } from '../database/sql-call.ts';
import { notFound, Problem } from '../errors.ts';
import type { Scope } from '../http/access.ts';
import { newId } from '../ids.ts';
import { assertMayHandle, type KeyHandler, type LockedKey, lockedKey } from './key-authority.ts';

/** A key that is about to be made. */
export interface FreshKey {
  id: string;
  name: string;
  scopes: Scope[];
  bounds: KeyBounds;
  /** The key that makes it; null: the operator makes it, or a person at the console. */
  parentId: string | null;
  expiresAt: string | undefined;
  /** The lifetime that a rotation gives to the next key; null: no end. */
  lifeMs: bigint | null;
}

/** The key that is rotated. */
interface Rotation {
  tenantId: string;
  keyId: string;
  /** The end of the time for which the key stays valid. */
  graceEnds: Date;
  now: Date;
}

/**
 * Lets a key end after the grace, as replaced. Returns the key that replaces it; the caller inserts that key.
 * @param by who replaces it.
 * @throws Problem `not_found` if the old key is revoked or expired; `conflict` if it was replaced already; `forbidden` if
 * it has a scope that the caller lacks.
 */
export async function replace(
  tx: Tx,
  by: KeyHandler,
  { tenantId, keyId, graceEnds, now }: Rotation,
): Promise<FreshKey> {
  const lock = { tenant: tenantId, key: keyId, exclusively: true };
  const [old] = await callIn(tx, 'lock_api_key', lock, lockedKey);
  if (!old) throw notFound('API key');
  assertMayHandle(by, old.scopes, old.bounds);
  assertNotReplaced(old);
  const fresh = {
    id: newId('key'),
    name: old.name,
    scopes: old.scopes,
    bounds: old.bounds,
    parentId: by.id,
    expiresAt: earlier(by.expires_at, newEnd(by, old, now))?.toISOString(),
    lifeMs: old.life_ms,
  };
  await tx.apiKey.update({
    where: { tenantId_id: { tenantId, id: keyId } },
    data: { expiresAt: earlier(old.expires_at, graceEnds), replacedBy: fresh.id },
  });
  return fresh;
}

/** A leaked key may have been rotated by a thief, so the answer tells how to get rid of what the key made. */
function assertNotReplaced(old: LockedKey): void {
  if (old.replaced_by === null) return;
  throw new Problem(
    'conflict',
    `This key was replaced by ${old.replaced_by} already. Rotate that key. If you did not replace it, revoke this key with ?descendants=true, and create a new one.`,
  );
}

/** The end of the key that replaces `old`, as far as `old` itself decides it; null: none. */
function newEnd(by: KeyHandler, old: LockedKey, now: Date): Date | null {
  if (by.id === old.id) return old.expires_at;
  return old.life_ms === null ? null : new Date(now.getTime() + Number(old.life_ms));
}

function earlier(one: Date | null, other: Date | null): Date | null {
  if (!one || !other) return one ?? other;
  return one < other ? one : other;
}
