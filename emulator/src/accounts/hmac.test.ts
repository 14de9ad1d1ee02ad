import { createHmac, randomBytes } from 'node:crypto';
import { hmacSha256 } from './hmac.ts';

test.each([0, 1, 32, 63, 64, 65, 200])('the HMAC equals that of node:crypto for a key of %d bytes', (bytes) => {
  const key = randomBytes(bytes);
  const hmac = hmacSha256(key);
  for (const text of ['', 'AWS4-HMAC-SHA256', 'ä€😀', 'x'.repeat(1_000)]) {
    expect(hmac(text).toString('hex')).toBe(createHmac('sha256', key).update(text).digest('hex'));
  }
});
