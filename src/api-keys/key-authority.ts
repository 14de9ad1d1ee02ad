import { z } from 'zod';
import type { KeyBounds, TenantCaller } from '../caller.ts';
import type { Tx } from '../database/database.ts';
import { callIn } from '../database/sql-call.ts';
import { Problem } from '../errors.ts';
import { hasScope, type Scope } from '../http/access.ts';
import { isWithin } from './key-bounds.ts';

/** The column `bounds`. */
export const keyBounds = z.object({
  roles: z.array(z.string()).optional(),
  spaceIds: z.array(z.string()).optional(),
  sourceAddresses: z.array(z.string()).optional(),
});

/** A row of `lock_api_key`. */
export const lockedKey = z.object({
  id: z.string(),
  name: z.string(),
  scopes: z.array(z.custom<Scope>()),
  expires_at: z.date().nullable(),
  life_ms: z.bigint().nullable(),
  replaced_by: z.string().nullable(),
  bounds: keyBounds,
});
export type LockedKey = z.output<typeof lockedKey>;

/** Who handles keys: a key with its id, or a person at the console, whose id is null. */
export type KeyHandler = Pick<LockedKey, 'scopes' | 'bounds' | 'expires_at'> & {
  id: string | null;
};

/**
 * What the caller may give to keys, and take from them. It locks the key of the caller, so that `revoke_api_keys` waits for
 * the key that the caller is making.
 */
export async function handlerOf(tx: Tx, caller: TenantCaller): Promise<KeyHandler> {
  if (caller.kind === 'consoleUser') {
    return {
      id: null,
      scopes: caller.scopes as Scope[],
      bounds: {},
      expires_at: null,
    };
  }
  const lock = { tenant: caller.tenantId, key: caller.id, exclusively: false };
  const [key] = await callIn(tx, 'lock_api_key', lock, lockedKey);
  if (!key) throw new Problem('unauthenticated', 'This API key was revoked, or has expired.');
  if (key.replaced_by !== null) {
    throw new Problem('forbidden', `This key was replaced by ${key.replaced_by}. A replaced key handles no keys.`);
  }
  return key;
}

/** A key handles only keys whose scopes it has itself, and that have its bounds. @throws Problem `forbidden` */
export function assertMayHandle(
  by: Pick<KeyHandler, 'scopes' | 'bounds'>,
  scopes: readonly Scope[],
  bounds: KeyBounds,
): void {
  const missing = scopes.filter((scope) => !hasScope(by.scopes, scope));
  if (missing.length > 0) {
    throw new Problem(
      'forbidden',
      `A key can only give scopes that it has itself, and only handle keys with such scopes. This key lacks ${missing.join(', ')}.`,
    );
  }
  if (!isWithin(bounds, by.bounds)) {
    throw new Problem('forbidden', 'A key handles only keys that are bound to its own roles, spaces and addresses.');
  }
}
