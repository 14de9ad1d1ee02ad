import { createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';

/**
 * The key (HMAC-SHA-256) that proves that a part of the journal is of this deployment. It follows from the master key, as the
 * key of audit checkpoints does.
 */
export function journalKeyOf(masterKey: Buffer): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', masterKey, '', 'stagedoor journal', 32)));
}
