/** Threads that sign and verify: each caller gets their own result, and a thread that ends takes nobody's request along. */
import { createSecretKey, generateKeyPairSync, randomBytes, verify } from 'node:crypto';
import { SignJWT } from 'jose';
import { SignatureThreads } from './signature-threads.ts';

const signers = Array.from({ length: 3 }, () => generateKeyPairSync('ec', { namedCurve: 'P-384' }));
const issuers = Array.from({ length: 3 }, () => generateKeyPairSync('ec', { namedCurve: 'P-256' }));
const [signer, issuer] = [signers[0], issuers[0]] as [(typeof signers)[0], (typeof issuers)[0]];
const options = {
  algorithms: ['ES256'],
  issuer: 'https://login.example',
  requiredClaims: ['exp'],
};
const token = (claims: Record<string, unknown>, key = issuer.privateKey) =>
  new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(key);
const good = {
  iss: 'https://login.example',
  exp: Math.floor(Date.now() / 1_000) + 600,
};

const threads = new SignatureThreads();
afterAll(() => threads.onApplicationShutdown());

test('hundreds at once, with several keys, get each their own signature and their own claims', async () => {
  const texts = Array.from({ length: 300 }, (_, at) => `text ${at}`);
  const tokens = await Promise.all(texts.map((_, at) => token({ ...good, at }, issuers[at % 3]?.privateKey)));
  const signed = texts.map(async (text, at) => {
    const pair = signers[at % 3] ?? signer;
    const signature = Buffer.from(await threads.sign(text, pair.privateKey), 'base64url');
    return verify('sha384', Buffer.from(text), { key: pair.publicKey, dsaEncoding: 'ieee-p1363' }, signature);
  });
  const verified = tokens.map(
    async (one, at) => await threads.verify(one, (issuers[at % 3] ?? issuer).publicKey, options),
  );
  expect(await Promise.all(signed)).toEqual(texts.map(() => true));
  expect((await Promise.all(verified)).map(({ at }) => at)).toEqual(texts.map((_, at) => at));
});

test('a token that is refused says why, and those that came with it are not affected', async () => {
  const foreign = issuers[1]?.publicKey ?? issuer.publicKey;
  const secret = createSecretKey(randomBytes(32));
  const [kept, expired, elsewhere, endless] = await Promise.all([
    token(good),
    token({ ...good, exp: 1 }),
    token({ ...good, iss: 'https://other.example' }),
    token({ iss: good.iss }),
  ]);
  const outcomes = await Promise.allSettled([
    threads.verify(kept, issuer.publicKey, options),
    threads.verify(kept, foreign, options),
    threads.verify(expired, issuer.publicKey, options),
    threads.verify(elsewhere, issuer.publicKey, options),
    threads.verify(endless, issuer.publicKey, options),
    threads.verify(kept, secret, options),
    threads.sign('text', secret),
    threads.verify(kept, issuer.publicKey, options),
  ]);
  expect(outcomes).toMatchObject([
    { value: good },
    {
      reason: {
        name: 'TokenRefused',
        code: 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
      },
    },
    { reason: { code: 'ERR_JWT_EXPIRED' } },
    {
      reason: {
        code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
        claim: 'iss',
        reason: 'check_failed',
      },
    },
    {
      reason: {
        code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
        claim: 'exp',
        reason: 'missing',
      },
    },
    { status: 'rejected' },
    { status: 'rejected' },
    { value: good },
  ]);
  const said = JSON.stringify(outcomes.map((one) => (one.status === 'rejected' ? String(one.reason) : '')));
  expect(said).not.toContain(kept.split('.')[2]);
});

test('when a thread ends, its requests hear 503 or their result, and the next ones are served', async () => {
  const own = new SignatureThreads();
  try {
    await own.sign('text', signer.privateKey);
    const asked = Array.from({ length: 200 }, () => own.sign('text', signer.privateKey));
    await Promise.all(own['pool'].threads.map((thread) => thread.terminate()));
    const outcomes = await Promise.allSettled(asked);
    const lost = outcomes.filter((one) => one.status === 'rejected');
    expect(lost).not.toEqual([]);
    for (const one of lost)
      expect(one.reason).toMatchObject({
        code: 'unavailable',
        retryAfterSeconds: 1,
      });
    expect(await own.sign('text', signer.privateKey)).toHaveLength(128);
  } finally {
    await own.onApplicationShutdown();
  }
});
