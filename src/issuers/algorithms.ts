import type { KeyObject } from 'node:crypto';

/** Algorithms for tokens signed with a private key; whoever verifies them cannot make them. */
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

/** Algorithms for tokens signed with a secret that both sides hold. */
export const secretAlgorithms = ['HS256'] as const;

/** Every algorithm a token may name. `none` is not among them, in any letter case. */
export const algorithms = [...publicKeyAlgorithms, ...secretAlgorithms] as const;

export type Algorithm = (typeof algorithms)[number];

const rsa: readonly Algorithm[] = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'];
const byCurve: Readonly<Record<string, readonly Algorithm[]>> = {
  prime256v1: ['ES256'],
  secp384r1: ['ES384'],
  secp521r1: ['ES512'],
};

/**
 * The algorithms a key is for. A key never serves another kind: that is how HS256 tokens "signed" with a public key get
 * accepted elsewhere.
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
