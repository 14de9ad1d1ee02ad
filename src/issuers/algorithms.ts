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
export const secretAlgorithms = ['HS256', 'HS384', 'HS512'] as const;

/** Every algorithm that a JWT may name. `none` is refused, in any letter case. `Ed25519` is `EdDSA` (RFC 9864). */
export const algorithms = [...publicKeyAlgorithms, 'Ed25519', ...secretAlgorithms] as const;

/** The name of an accepted algorithm (RFC 7518, RFC 8037). */
export type Algorithm = (typeof algorithms)[number];

/** The one name of an algorithm that has two. */
export function oneName(algorithm: Algorithm): Algorithm {
  return algorithm === 'Ed25519' ? 'EdDSA' : algorithm;
}

/** Whether an algorithm is in a list, by either of its names. */
export function includesAlgorithm(list: readonly Algorithm[], algorithm: Algorithm): boolean {
  return list.some((one) => oneName(one) === oneName(algorithm));
}

/** Whether an algorithm verifies with the secret that signed. */
export function needsSecret(algorithm: Algorithm): boolean {
  return secretAlgorithms.some((one) => one === algorithm);
}

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
