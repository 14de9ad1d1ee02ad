import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createIssuerBody, defaultAlgorithms, fittingAlgorithms } from './issuers.schemas.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const publicJwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: 'one' };
const pem = ec.publicKey.export({ format: 'pem', type: 'spki' }).toString();
const base = { issuer: 'https://login.example.com/', audience: 'app' };
const secret = '0123456789abcdef0123456789abcdef';

/** The paths and messages of what is wrong. */
function faults(body: unknown): string {
  const result = createIssuerBody.safeParse(body);
  return result.success ? '' : result.error.issues.map((one) => `${one.path.join('.')} ${one.message}`).join('; ');
}

it.each([
  ['a JWKS URL', { ...base, jwksUri: 'https://login.example.com/jwks' }],
  ['an inline JWKS', { ...base, jwks: { keys: [publicJwk] } }],
  ['a shared secret', { ...base, secret }],
  ['all kinds of keys', { ...base, secret, jwksUri: 'https://a.example/', jwks: { keys: [publicJwk] } }],
  ['a secret in base64', { ...base, secret: randomBytes(32).toString('base64'), secretEncoding: 'base64' }],
  ['HS512', { ...base, secret, algorithms: ['HS512', 'HS384'] }],
  ['Ed25519', { ...base, jwksUri: 'https://a.example/', algorithms: ['Ed25519'] }],
  [
    'everything',
    { ...base, secret, algorithms: ['HS256'], claims: { userId: 'a.b', role: 'r', name: 'n' }, userIdPrefix: 'x:' },
  ],
])('an issuer can be registered with %s', (_, body) => {
  expect(faults(body)).toBe('');
});

it.each([
  ['no keys', base, /at least one/],
  ['a secret that is no base64', { ...base, secret: '*'.repeat(40), secretEncoding: 'base64' }, /must be base64,/],
  ['too few bytes in base64', { ...base, secret: randomBytes(31).toString('base64'), secretEncoding: 'base64' }, /32/],
  ['a key in base64 as secret', { ...base, secret: btoa(pem), secretEncoding: 'base64' }, /not a key/],
  ['an encoding without a secret', { ...base, jwksUri: 'https://a.example/', secretEncoding: 'utf8' }, /together/],
  ['a life of 31 days', { ...base, secret, maxLifeSeconds: 31 * 86_400 }, /maxLifeSeconds/],
  ['an unknown field', { ...base, secret, tenantId: 'ten_other' }, /tenantId/],
  ['an object as issuer', { ...base, secret, issuer: { not: '' } }, /^issuer/],
  ['an array as audience', { ...base, secret, audience: ['app'] }, /^audience/],
  ['null as audience', { ...base, secret, audience: null }, /^audience/],
  ['an empty issuer', { ...base, secret, issuer: '' }, /^issuer/],
  ['a line break in the issuer', { ...base, secret, issuer: 'a\nb' }, /control/],
  ['an issuer too large for an index', { ...base, secret, issuer: '€'.repeat(512) }, /1024 bytes/],
  ['a short secret', { ...base, secret: 'short' }, /32 bytes/],
  ['a secret of one letter', { ...base, secret: 'a'.repeat(64) }, /random/],
  ['a public key as secret', { ...base, secret: pem }, /not a key/],
  ['a public key after a line break as secret', { ...base, secret: `\n${pem}` }, /not a key/],
  ['a JWK as secret', { ...base, secret: JSON.stringify(publicJwk) }, /not a key/],
  ['an unknown algorithm', { ...base, secret, algorithms: ['none'] }, /^algorithms/],
  ['no algorithm', { ...base, secret, algorithms: [] }, /^algorithms/],
  ['an algorithm twice', { ...base, secret, algorithms: ['HS256', 'HS256'] }, /twice/],
  ['a public-key algorithm with a secret', { ...base, secret, algorithms: ['RS256'] }, /does not fit/],
  ['HS256 with a JWKS URL', { ...base, jwksUri: 'https://a.example/', algorithms: ['HS256'] }, /does not fit/],
  [
    'HS256 with an inline JWKS',
    { ...base, jwks: { keys: [publicJwk] }, algorithms: ['ES384', 'HS256'] },
    /does not fit/,
  ],
  [
    'an algorithm no key is for',
    { ...base, jwks: { keys: [publicJwk] }, algorithms: ['ES256'] },
    /does not fit: ES384/,
  ],
  ['an empty claim path', { ...base, secret, claims: { userId: '' } }, /claims\.userId/],
  ['a claim path with an empty part', { ...base, secret, claims: { userId: 'a..b' } }, /claims\.userId/],
  ['an object as claim path', { ...base, secret, claims: { userId: { path: 'sub' } } }, /claims\.userId/],
  ['U+0000 in the prefix', { ...base, secret, userIdPrefix: 'a\0' }, /userIdPrefix/],
  ['a long prefix', { ...base, secret, userIdPrefix: 'a'.repeat(65) }, /userIdPrefix/],
])('an issuer is not registered with %s', (_, body, reason) => {
  expect(faults(body)).toMatch(reason);
});

it.each([
  ['no keys', [], /keys/],
  ['more than 16 keys', Array.from({ length: 17 }, () => publicJwk), /keys/],
  ['an RSA key of 8192 bits', [{ kty: 'RSA', n: '_'.repeat(1_366), e: 'AQAB' }], /at most 4096 bits/],
  ['an RSA key of 4104 bits', [{ kty: 'RSA', n: '_'.repeat(684), e: 'AQAB' }], /at most 4096 bits/],
  ['a private EC key', [ec.privateKey.export({ format: 'jwk' })], /keys\.0\.d must be absent/],
  ['a private RSA key', [rsa.privateKey.export({ format: 'jwk' })], /must be absent/],
  ['a private Ed25519 key', [ed.privateKey.export({ format: 'jwk' })], /keys\.0\.d must be absent/],
  ['a symmetric key', [{ kty: 'oct', k: 'c2VjcmV0' }], /kty/],
  ['a symmetric member in a public key', [{ ...publicJwk, k: 'c2VjcmV0' }], /k must be absent/],
  [
    'a weak RSA key',
    [generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })],
    /2048 bits/,
  ],
  ['an RSA key with exponent 1', [{ ...rsa.publicKey.export({ format: 'jwk' }), e: 'AQ' }], /exponent/],
  ['a point off its curve', [{ ...publicJwk, y: publicJwk.x }], /not a valid public key/],
  ['half a key', [{ kty: 'EC', crv: 'P-384', x: publicJwk.x }], /not a valid public key/],
  ['a key for encryption', [{ ...publicJwk, use: 'enc' }], /use/],
  ['a key for signing only', [{ ...publicJwk, key_ops: ['sign'] }], /key_ops/],
  ['a key for another algorithm', [{ ...publicJwk, alg: 'ES256' }], /no accepted algorithm/],
  [
    'a curve that is not accepted',
    [generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' })],
    /crv/,
  ],
  ['a long kid', [{ ...publicJwk, kid: 'k'.repeat(129) }], /kid/],
  ['text instead of a key', ['key'], /keys\.0/],
])('an inline JWKS is refused with %s', (_, keys, reason) => {
  expect(faults({ ...base, jwks: { keys } })).toMatch(reason);
});

it('by default an issuer accepts what fits its keys', () => {
  const keys = [
    publicJwk,
    ed.publicKey.export({ format: 'jwk' }),
    { ...rsa.publicKey.export({ format: 'jwk' }), alg: 'PS256' },
  ];
  const body = createIssuerBody.parse({ ...base, jwks: { keys } });
  expect(fittingAlgorithms(body)).toEqual(['PS256', 'ES384', 'EdDSA']);
  expect(defaultAlgorithms(createIssuerBody.parse({ ...base, secret }))).toEqual(['HS256']);
  expect(fittingAlgorithms(createIssuerBody.parse({ ...base, jwksUri: 'https://a.example/' }))).not.toContain('HS256');
  expect(body.claims).toEqual({ userId: 'sub' });
});
