import type { KeyObject } from 'node:crypto';

/** Algorithms that sign with a private key and verify with a public key. */
export const publicKeyAlgorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

/** Algorithms that sign and verify with the same secret. */
export const secretAlgorithms = ['HS256'] as const;

/** Every algorithm that a JWT may name. `none` is refused, in any letter case. */
export const algorithms = [...publicKeyAlgorithms, ...secretAlgorithms] as const;

/** The name of an accepted algorithm (RFC 7518, RFC 8037). */
export type Algorithm = (typeof algorithms)[number];

const rsa: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const byCurve: Readonly<Record<string, readonly Algorithm[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/**
 * The algorithms that a key may be used with. A public key is never used as a secret. So an attacker cannot sign a token
 * with HS256 and the public key as the secret.
 */
export function algorithmsOf(key: KeyObject): readonly Algorithm[] {
  if (key.type === 'secret') return secretAlgorithms;
  switch (key.asymmetricKeyType) {
    case 'rsa':
      return rsa;
    case 'ec':
      return byCurve[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? [];
    case 'ed25519':
      return ['EdDSA'];
    default:
      return [];
  }
}
