import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * The key (HMAC-SHA-256) that proves that a part of the journal is of this deployment. It follows from the root of the deployment (`Keyring`), as the
 * key of audit checkpoints does.
 */
export function journalKeyOf(root: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', root, '', 'stagedoor journal', 32)));
}
