import { hash } from 'node:crypto';

const BLOCK_BYTES = 64;

/**
 * HMAC-SHA-256 (RFC 2104) with one key.
 *
 * Out of one-shot hashes, as each of node:crypto's `Hmac` objects has native memory that the garbage collector frees by
 * itself: with one a call, that was nearly half of every pause.
 */
export function hmacSha256(key: Buffer): (text: string) => Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  (key.length > BLOCK_BYTES ? hash('sha256', key, 'buffer') : key).copy(block);
  const inner = block.map((byte) => byte ^ 0x36);
  const outer = block.map((byte) => byte ^ 0x5c);
  return (text) => {
    const innerHash = hash('sha256', Buffer.concat([inner, Buffer.from(text)]), 'buffer');
    return hash('sha256', Buffer.concat([outer, innerHash]), 'buffer');
  };
}
