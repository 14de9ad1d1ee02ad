import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { publicHalf } from '../secrets/audit-key.ts';

/** A place in the hash chain of a tenant. */
export interface Place {
  tenantId: string;
  /** head: it was reached. cut: the service deletes the entries to this place. */
  kind: 'head' | 'cut';
  seq: bigint;
  /** Hash of the entry at this place. */
  hash: Uint8Array;
  /** When it is signed. */
  at: Date;
}

/** A signed place. Whoever has the public key sees that this deployment has seen this hash there. */
export interface Checkpoint extends Place {
  /** The public key (Ed25519), in base64url. */
  key: string;
  signature: Uint8Array;
}

export function signed(place: Place, key: KeyObject): Checkpoint {
  return { ...place, key: publicHalf(key), signature: sign(null, textOf(place), key) };
}

/** @param key the public key that is trusted, in base64url. */
export function isSignedBy(checkpoint: Checkpoint, key: string): boolean {
  if (checkpoint.key !== key) return false;
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key }, format: 'jwk' });
  return verify(null, textOf(checkpoint), publicKey, checkpoint.signature);
}

/** What is signed: a JSON array without blanks, in UTF-8. */
function textOf({ tenantId, kind, seq, hash, at }: Place): Buffer {
  const hex = Buffer.from(hash).toString('hex');
  return Buffer.from(
    JSON.stringify(['stagedoor audit checkpoint', tenantId, kind, String(seq), hex, at.toISOString()]),
  );
}
