import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const inFlight = 8;

/**
 * P-384 signatures a second that this Node makes on this machine when it does nothing else. A service that signs each
 * token cannot be faster. They are made as the service makes them: on the thread pool, over a text as long as a token.
 */
export async function signingLimit(seconds: number): Promise<number> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const text = Buffer.from(randomBytes(400).toString('base64url'));
  const start = performance.now();
  const end = start + seconds * 1_000;
  let signed = 0;
  const lane = async () => {
    while (performance.now() < end) {
      await new Promise<void>((resolve, reject) =>
        sign('sha384', text, { key: privateKey, dsaEncoding: 'ieee-p1363' }, (error) =>
          error ? reject(error) : resolve(),
        ),
      );
      signed++;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, lane));
  return signed / ((performance.now() - start) / 1_000);
}
