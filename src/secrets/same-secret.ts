import { createHash, timingSafeEqual } from 'node:crypto';

/**
 * Whether a text is the secret that is expected. The time of the comparison depends on nothing that the sender does not know:
 * digests of a fixed length are compared.
 */
export function isSameSecret(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected));
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
