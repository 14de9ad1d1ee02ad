import { randomBytes } from 'node:crypto';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
/**
 * The largest multiple of 62 that a byte can hold. Larger bytes are discarded, so that every letter is equally likely.
 */
const UNBIASED = 248;

let pool = Buffer.alloc(0);
let usedBytes = 0;

/**
 * A random id of `length` letters and digits. IVS's own ids have 12 (observed in AWS samples). Random bytes are drawn
 * in bulk, because a system call for each id would be a large part of the time that it takes to make a token.
 */
export function randomId(length = 12): string {
  let id = '';
  while (id.length < length) {
    if (usedBytes >= pool.length) {
      pool = randomBytes(4096);
      usedBytes = 0;
    }
    const byte = pool[usedBytes++] ?? 0;
    if (byte < UNBIASED) id += ALPHABET[byte % ALPHABET.length];
  }
  return id;
}

/** A random id of a stage session: `st-` and 13 letters and digits (service model). */
export function randomSessionId(): string {
  return `st-${randomId(13)}`;
}
