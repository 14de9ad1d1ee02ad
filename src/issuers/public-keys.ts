import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { text } from '../http/text.ts';
import { type Algorithm, algorithmsOf } from './algorithms.ts';

/** Most keys in one set. Large providers publish two to six. */
export const maxKeys = 50;

/** Longest `kid`; it is compared with those of the set and used for nothing else. */
export const maxKidLength = 128;

/** Members of a JWK that only a private or symmetric key has. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

const part = z
  .string()
  .max(2_048)
  .regex(/^[\w-]+$/, 'must be base64url');

/** A JWK as far as verifying needs it. What else it holds, such as certificates, is dropped. */
export const jwk = z
  .looseObject({
    kty: z.enum(['RSA', 'EC', 'OKP'], { error: 'must be RSA, EC or OKP: a public key' }),
    crv: z.enum(['P-256', 'P-384', 'P-521', 'Ed25519']).optional(),
    x: part.optional(),
    y: part.optional(),
    n: part.optional(),
    e: part.optional(),
    kid: text(1, maxKidLength).optional(),
    alg: text(1, 32).optional(),
    use: z.literal('sig', { error: 'must be sig, or absent' }).optional(),
    key_ops: z.array(text(1, 32)).max(8).optional(),
  })
  .superRefine((value, context) => {
    const secret = privateMembers.find((name) => Object.hasOwn(value, name));
    if (secret !== undefined) {
      context.addIssue({ code: 'custom', path: [secret], message: 'must not be there: send the public key only' });
      return;
    }
    const fault = faultOf(value);
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
  })
  .meta({ id: 'PublicJwk' });

export type Jwk = z.output<typeof jwk>;

/** A public key that may verify tokens. */
export interface PublicKey {
  kid: string | undefined;
  key: KeyObject;
  /** What the key's kind, and its own `alg` if it has one, leave. */
  algorithms: readonly Algorithm[];
}

/** The members of a JWK that are kept. */
export function publicMembers({ kty, crv, x, y, n, e, kid, alg, use, key_ops }: Jwk): Partial<Jwk> {
  const kept = { kty, crv, x, y, n, e, kid, alg, use, key_ops };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

/** The keys of a fetched or stored set that can verify tokens; others are passed over, as RFC 7517 (section 5) says. */
export function usableKeys(entries: readonly unknown[]): PublicKey[] {
  return entries.flatMap((entry) => {
    const parsed = jwk.safeParse(entry);
    return parsed.success ? [toPublicKey(parsed.data)] : [];
  });
}

/** @throws if Node cannot make a key of it; what the schema let through has been tried. */
function toPublicKey(value: Jwk): PublicKey {
  const { kty, crv, x, y, n, e } = value;
  const material = Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, part]) => part !== undefined),
  );
  const key = createPublicKey({ key: material, format: 'jwk' });
  const byKind = algorithmsOf(key);
  return {
    kid: value.kid,
    key,
    algorithms: value.alg === undefined ? byKind : byKind.filter((one) => one === value.alg),
  };
}

/** The keys a token of this algorithm and `kid` may have been signed with. */
export function keysFor(keys: readonly PublicKey[], alg: Algorithm, kid: string | undefined): KeyObject[] {
  return keys
    .filter((one) => one.algorithms.includes(alg) && (kid === undefined || one.kid === kid))
    .map((one) => one.key);
}

function faultOf(value: Jwk): string | undefined {
  if (value.key_ops !== undefined && !value.key_ops.includes('verify')) return 'must be a key to verify with (key_ops)';
  let made: PublicKey;
  try {
    made = toPublicKey(value);
  } catch {
    return 'is not a valid public key';
  }
  const { modulusLength, publicExponent } = made.key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < 2_048) return 'must have at least 2048 bits';
  // Verifying takes longer with both, and none that long is in use.
  if (modulusLength !== undefined && modulusLength > 8_192) return 'must have at most 8192 bits';
  if (publicExponent !== undefined && (publicExponent < 3n || publicExponent > 0xffff_ffffn)) {
    return 'must have a public exponent such as 65537';
  }
  return made.algorithms.length === 0 ? 'is for no algorithm that is accepted here' : undefined;
}
