import { randomBytes } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/** The largest multiple of 62 that a byte can hold: bytes above it are thrown away, to keep the letters evenly spread. */
const UNBIASED = 248;

let pool = Buffer.alloc(0);
let used = 0;

/**
 * A random id of `length` letters and digits: 12 is the length of the service's own ids (observed in AWS samples).
 * Random bytes are drawn in bulk, because a system call for each id would be a good part of a token's cost.
 */
export function randomId(length = 12): string {
  let id = '';
  while (id.length < length) {
    if (used >= pool.length) {
      pool = randomBytes(4096);
      used = 0;
    }
    const byte = pool[used++] ?? 0;
    if (byte < UNBIASED) id += ALPHABET[byte % ALPHABET.length];
  }
  return id;
}

/** A stage session id: `st-` and 13 letters and digits, 16 characters in all (service model). */
export function sessionId(): string {
  return `st-${randomId(13)}`;
}
