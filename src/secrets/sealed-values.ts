import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';

/** First byte of a value that the key has sealed with which the deployment began. The value does not name it. */
export const unnamedVersion = 1;

/** First byte of a value that names the master key that has sealed it: its id, four bytes, follows. */
export const namedVersion = 2;

/** First byte of a value that the data key of its tenant has sealed. The id of the master key that encrypts the data key follows. */
export const dataKeyVersion = 3;

/** Length of the id of a master key. */
export const idBytes = 4;

const ivBytes = 12;
const tagBytes = 16;

/** The place a sealed value belongs to. It cannot be opened for another place. */
export interface SealedFor {
  tenantId: string;
  /** Table and column, such as `issuers.secret`. */
  column: string;
  /** Id of the row. */
  id: string;
}

/** Additional authenticated data: it ties the ciphertext to its row and column. */
export function binding(owner: SealedFor): Buffer {
  return Buffer.from(JSON.stringify([owner.tenantId, owner.column, owner.id]));
}

/** What stands before a value that names its master key. */
export function headOf(version: number, masterKey: string): Buffer {
  return Buffer.from([version, ...Buffer.from(masterKey, 'hex')]);
}

/** The id of the master key that a value names. */
export function namedIn(bytes: Buffer): string {
  return bytes.subarray(1, 1 + idBytes).toString('hex');
}

/** Encrypts with AES-256-GCM: nonce (12), tag (16) and ciphertext. */
export function sealWith(key: KeyObject, plain: Buffer | string, place: Buffer): Buffer {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(place);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]);
}

/** Decrypts what `sealWith` made. @throws {Error} if the key or the place is another one, or the value was changed. */
export function openWith(key: KeyObject, bytes: Buffer, place: Buffer): Buffer {
  const iv = bytes.subarray(0, ivBytes);
  const tag = bytes.subarray(ivBytes, ivBytes + tagBytes);
  const decipher = createDecipheriv('aes-256-gcm', key, iv).setAAD(place).setAuthTag(tag);
  return Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()]);
}
