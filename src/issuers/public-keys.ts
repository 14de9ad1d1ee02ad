import { createPublicKey, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { text } from '../http/text.ts';
import { type Algorithm, algorithmsOf, includesAlgorithm, oneName } from './algorithms.ts';

/** Maximum number of keys in a set that is fetched. Large providers publish two to six, and a few of them a dozen. */
export const maxKeys = 50;

/** Maximum number of keys in a set that a tenant registers: the present ones and the next ones. */
export const maxInlineKeys = 16;

/** Largest modulus of an RSA key, in bits. Verifying with longer keys is slow, and hardly anybody uses them. */
const maxRsaBits = 4_096;

/** Length of the largest modulus in base64url: six bits a character. */
const maxModulusLength = Math.ceil(maxRsaBits / 6);

/** Maximum length of a `kid`. A `kid` is only compared with those of the set. */
export const maxKidLength = 128;

/** Members that only a private or symmetric JWK has (RFC 7518). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'];

const base64url = z
  .string()
  .max(2_048)
  .regex(/^[\w-]+$/, 'must be base64url');

/** A public key for examples in the OpenAPI document: that of RFC 7517, appendix A.1. */
export const exampleJwk = {
  kty: 'EC',
  crv: 'P-256',
  x: 'MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4',
  y: '4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM',
  kid: '1',
};

/** The form of a public JWK (RFC 7517). It says nothing about whether the key is one. */
const jwkForm = z.looseObject({
  kty: z.enum(['RSA', 'EC', 'OKP'], { error: 'must be RSA, EC or OKP: a public key' }),
  // No other curve may reach `createPublicKey`: with the FIPS provider of OpenSSL, Node 24 aborts if the curve is secp256k1.
  crv: z.enum(['P-256', 'P-384', 'P-521', 'Ed25519']).optional(),
  x: base64url.optional(),
  y: base64url.optional(),
  n: base64url.optional(),
  e: base64url.optional(),
  kid: text(1, maxKidLength).optional(),
  alg: text(1, 32).optional(),
  use: z.literal('sig', { error: 'must be sig, or absent' }).optional(),
  key_ops: z.array(text(1, 32)).max(8).optional(),
});

/** Schema of a public JWK (RFC 7517). Members that verifying does not need, such as certificates, are not stored. */
export const jwk = jwkForm
  .superRefine((value, context) => {
    const secret = privateMembers.find((name) => Object.hasOwn(value, name));
    if (secret !== undefined) {
      context.addIssue({ code: 'custom', path: [secret], message: 'must be absent: send the public key only' });
      return;
    }
    const read = readKey(value);
    if (typeof read === 'string') context.addIssue({ code: 'custom', message: read });
  })
  .meta({
    id: 'PublicJwk',
    description: 'A public key (RFC 7517) that verifies JWTs. Other members are allowed and not stored.',
    examples: [exampleJwk],
  });

export type Jwk = z.output<typeof jwk>;

/** A public key that can verify JWTs. */
export interface PublicKey {
  kid: string | undefined;
  key: KeyObject;
  /** The algorithms that fit the kind of the key. If the key has an `alg`, only this one. */
  algorithms: readonly Algorithm[];
}

/** The members of a JWK that are stored. */
export function publicMembers({ kty, crv, x, y, n, e, kid, alg, use, key_ops }: Jwk): Partial<Jwk> {
  const kept = { kty, crv, x, y, n, e, kid, alg, use, key_ops };
  return Object.fromEntries(Object.entries(kept).filter(([, value]) => value !== undefined));
}

/** The keys of a set that can verify JWTs. Other keys are ignored, as RFC 7517 (section 5) demands. Each is imported once. */
export function usableKeys(entries: readonly unknown[]): PublicKey[] {
  return entries.flatMap((entry) => {
    const parsed = jwkForm.safeParse(entry);
    if (!parsed.success || privateMembers.some((name) => Object.hasOwn(parsed.data, name))) return [];
    const read = readKey(parsed.data);
    return typeof read === 'string' ? [] : [read];
  });
}

/** The keys that can verify a JWT with this algorithm and `kid`. Without a `kid`, all keys of the algorithm. */
export function keysFor(keys: readonly PublicKey[], alg: Algorithm, kid: string | undefined): KeyObject[] {
  return keys
    .filter((one) => includesAlgorithm(one.algorithms, alg) && (kid === undefined || one.kid === kid))
    .map((one) => one.key);
}

/** Imports a key, or says why it is none that verifies JWTs. What can be told without importing it is told first. */
function readKey(value: z.output<typeof jwkForm>): PublicKey | string {
  if (value.key_ops !== undefined && !value.key_ops.includes('verify')) return 'must be a key to verify with (key_ops)';
  if (value.n !== undefined && value.n.length > maxModulusLength) return `must have at most ${maxRsaBits} bits`;
  let key: KeyObject;
  try {
    key = importKey(value);
  } catch {
    return 'is not a valid public key';
  }
  const { modulusLength, publicExponent } = key.asymmetricKeyDetails ?? {};
  if (modulusLength !== undefined && modulusLength < 2_048) return 'must have at least 2048 bits';
  if (modulusLength !== undefined && modulusLength > maxRsaBits) return `must have at most ${maxRsaBits} bits`;
  // Large exponents make verifying slow, and nobody uses them.
  if (publicExponent !== undefined && (publicExponent < 3n || publicExponent > 0xffff_ffffn)) {
    return 'must have a public exponent such as 65537';
  }
  const algorithms = algorithmsOf(key).filter(
    (one) => value.alg === undefined || one === oneName(value.alg as Algorithm),
  );
  return algorithms.length === 0 ? 'fits no accepted algorithm' : { kid: value.kid, key, algorithms };
}

/** @throws {Error} if Node cannot read the key. */
function importKey({ kty, crv, x, y, n, e }: z.output<typeof jwkForm>): KeyObject {
  const material = Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, part]) => part !== undefined),
  );
  return createPublicKey({ key: material, format: 'jwk' });
}
