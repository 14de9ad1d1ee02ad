import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject } from 'node:crypto';

/** What stands before the 32 bytes of a private key of Ed25519 in DER (RFC 8410). */
const privateKeyHead = Buffer.from('302e020100300506032b657004220420', 'hex');

/**
 * The private key (Ed25519) that signs checkpoints of the audit log. It follows from the root of the deployment (`Keyring`), so every replica has the
 * same, and the command that verifies needs no other secret.
 */
export function auditKeyOf(root: Buffer): KeyObject {
  const seed = Buffer.from(hkdfSync('sha256', root, '', 'stagedoor audit checkpoint', 32));
  return createPrivateKey({ key: Buffer.concat([privateKeyHead, seed]), format: 'der', type: 'pkcs8' });
}

/** The public half, in base64url: 32 bytes. */
export function publicHalf(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x ?? '';
}
