import { createHmac, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { SignJWT } from 'jose';
import pg from 'pg';
import { JwksServer, saying, serving } from '../../test/api/issuers/jwks-server.ts';
import { createDatabase, type TestDatabase } from '../../test/support/database.ts';
import { cpuMsOf } from '../../test/support/own-time.ts';
import { until } from '../../test/support/until.ts';
import type { ApiKeyCaller } from '../caller.ts';
import { Settings } from '../config.ts';
import { Database, ReadDatabase } from '../database/database.ts';
import { DatabaseClock } from '../database/database-clock.ts';
import { Reach } from '../database/reach.ts';
import { Problem } from '../errors.ts';
import { newId } from '../ids.ts';
import { Secrets } from '../secrets/secrets.ts';
import { SignatureThreads } from '../signatures/signature-threads.ts';
import { Candidates } from './candidates.ts';
import { IssuerDirectory } from './issuer-directory.ts';
import { type CreateIssuerBody, createIssuerBody } from './issuers.schemas.ts';
import { IssuersService } from './issuers.service.ts';
import { JwksKeys } from './jwks-keys.ts';
import { UserTokens } from './user-tokens.ts';

const iss = 'https://login.example.com/';
const secret = randomBytes(48).toString('base64url');
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const pem = ec.publicKey.export({ format: 'pem', type: 'spki' }).toString();
const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });

let served: TestDatabase;
let owner: pg.Client;
let settings: Settings;
let database: Database;
let reads: ReadDatabase;
let secrets: Secrets;
const threads = new SignatureThreads();
let provider: JwksServer;
let alpha: ApiKeyCaller;
let beta: ApiKeyCaller;
/** What every test uses that does not need fresh caches. */
let shared: ReturnType<typeof start>;
let registered: Record<'jwksUri' | 'jwks' | 'secret' | 'foreign', { id: string }>;

beforeAll(async () => {
  Logger.overrideLogger(false);
  served = await createDatabase();
  owner = new pg.Client({ connectionString: served.superuserUrl });
  await owner.connect();
  settings = settingsWith('true', served.serviceUrl);
  database = new Database(settings, new Reach(false));
  reads = new ReadDatabase(settings, new Reach(false));
  secrets = new Secrets(settings);
  [alpha, beta] = [await createTenant('alpha'), await createTenant('beta')];
  provider = await JwksServer.start(serving([jwkOf(ec.publicKey, 'one'), jwkOf(rsa.publicKey, 'two')]));
  shared = start();
  const jwks = { keys: [jwkOf(ec.publicKey, 'one'), jwkOf(rsa.publicKey, 'two'), jwkOf(ed.publicKey, 'three')] };
  registered = {
    jwksUri: await register(alpha, { issuer: iss, audience: 'by-uri', jwksUri: provider.uri }),
    jwks: await register(alpha, {
      issuer: iss,
      audience: 'inline',
      jwks,
      claims: { userId: 'user.id', role: 'https://example.com/role', name: 'user.name' },
      userIdPrefix: 'corp:',
    }),
    secret: await register(alpha, { issuer: iss, audience: 'by-secret', secret }),
    foreign: await register(beta, { issuer: 'https://beta.example.com/', audience: 'beta', secret: `${secret}-beta` }),
  };
});

afterAll(async () => {
  await Promise.all([database, reads, threads].map((one) => one.onApplicationShutdown()));
  await owner.end();
  await served.drop();
  await provider[Symbol.asyncDispose]();
});

/** The verifier as the module makes it, with caches of its own. */
function start(onImported?: (keys: number) => void) {
  const directory = new IssuerDirectory(database, secrets, onImported);
  const jwks = new JwksKeys({ allowPrivateAddresses: true, clock: new DatabaseClock() });
  const candidates = new Candidates(directory, jwks, threads);
  const tokens = new UserTokens(directory, candidates, new DatabaseClock());
  return { tokens, issuers: new IssuersService(database, reads, secrets, settings, directory, jwks) };
}

/** Registers an issuer, again if the machine was too slow for the database. */
async function register(caller: ApiKeyCaller, body: unknown) {
  for (let left = 10; ; left--) {
    try {
      return await shared.issuers.create(caller, createIssuerBody.parse(body) satisfies CreateIssuerBody);
    } catch (error) {
      if (!(error instanceof Problem && error.code === 'unavailable') || left === 0) throw error;
    }
  }
}

const now = () => Math.floor(Date.now() / 1_000);

interface Asked {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  key?: KeyObject | Uint8Array;
}

/** A good token of the issuer with the inline JWKS, but for what is asked for. `undefined` leaves a claim out. */
async function token({ header, claims, key = ec.privateKey }: Asked = {}): Promise<string> {
  const payload = { iss, aud: 'inline', iat: now(), exp: now() + 600, user: { id: 'alice', name: 'Alice' }, ...claims };
  return await new SignJWT(payload).setProtectedHeader({ alg: 'ES256', kid: 'one', ...header }).sign(key);
}

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token put together by hand, as nobody's library would. */
function forged(header: unknown, claims: unknown, signer: (input: string) => Buffer | string): string {
  const input = `${encode(header)}.${encode(claims)}`;
  const signature = signer(input);
  return `${input}.${typeof signature === 'string' ? signature : signature.toString('base64url')}`;
}

const goodClaims = () => ({ iss, aud: 'inline', iat: now(), exp: now() + 600, user: { id: 'alice' } });
const byEc = (input: string) => sign('sha256', Buffer.from(input), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' });
const hmac = (key: string | Buffer) => (input: string) => createHmac('sha256', key).update(input).digest();

async function refusal(work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    (caller) => caller,
    (thrown: unknown) => thrown,
  );
  if (error instanceof Problem && error.code === 'unauthenticated' && error.status === 401) return error.detail;
  throw new Error('was not refused', { cause: error });
}

describe('a user is known by a token', () => {
  it('of an issuer with an inline JWKS, with claims where the issuer has them', async () => {
    const caller = await shared.tokens.verify(
      await token({ claims: { 'https://example.com/role': 'host', name: 'x' } }),
    );
    expect(caller).toMatchObject({
      kind: 'user',
      id: 'corp:alice',
      tenantId: alpha.tenantId,
      issuerId: registered.jwks.id,
      roles: ['host'],
      claims: { name: 'x', user: { id: 'alice', name: 'Alice' } },
      name: 'Alice',
    });
  });

  it('with a role and a name of another type, which count as absent', async () => {
    const claims = { 'https://example.com/role': [7, { host: true }], user: { id: 'alice', name: {} } };
    const caller = await shared.tokens.verify(await token({ claims }));
    expect(caller).toMatchObject({ id: 'corp:alice', roles: [] });
    expect(caller.name).toBeNull();
  });

  it('of an issuer with a JWKS URL', async () => {
    const caller = await shared.tokens.verify(await token({ claims: { aud: ['else', 'by-uri'], sub: 'alice' } }));
    expect(caller).toMatchObject({ id: 'alice', issuerId: registered.jwksUri.id, roles: [] });
  });

  it('of an issuer with a shared secret', async () => {
    const asked = { header: { alg: 'HS256' }, key: Buffer.from(secret), claims: { aud: 'by-secret', sub: 'alice' } };
    expect(await shared.tokens.verify(await token(asked))).toMatchObject({ id: 'alice', tenantId: alpha.tenantId });
  });

  it.each([
    ['RS256', rsa.privateKey, 'two'],
    ['PS512', rsa.privateKey, 'two'],
    ['EdDSA', ed.privateKey, 'three'],
  ])('signed with %s', async (alg, key, kid) => {
    expect((await shared.tokens.verify(await token({ header: { alg, kid }, key }))).id).toBe('corp:alice');
  });

  it('without a kid, if a key fits', async () => {
    expect((await shared.tokens.verify(await token({ header: { kid: undefined } }))).id).toBe('corp:alice');
  });

  it.each(['JWT', 'at+jwt', 'application/at+jwt'])('of type %s', async (typ) => {
    expect((await shared.tokens.verify(await token({ header: { typ } }))).id).toBe('corp:alice');
  });

  it('whose clock is a minute off', async () => {
    const claims = { iat: now() + 55, nbf: now() + 55 };
    expect((await shared.tokens.verify(await token({ claims }))).id).toBe('corp:alice');
  });

  it('and the same token gives the same user again', async () => {
    const good = await token();
    const [first, second] = [await shared.tokens.verify(good), await shared.tokens.verify(good)];
    expect(second).toBe(first);
    expect(() => Object.assign(first, { tenantId: 'ten_other' })).toThrow();
  });
});

/** Every way to be refused: what the token is like, how to make it, and what the refusal has to say. */
const bad: [string, () => string | Promise<string>, RegExp][] = [
  // T1: no signature
  ...['none', 'None', 'NONE', 'nOnE', 'noNE', ' none', ''].flatMap((alg): [string, () => string, RegExp][] => [
    [
      `alg ${JSON.stringify(alg)} and no signature`,
      () => forged({ alg }, goodClaims(), () => ''),
      /not a JWT with a signature/,
    ],
    [
      `alg ${JSON.stringify(alg)} and some signature`,
      () => forged({ alg }, goodClaims(), byEc),
      /algorithm is not accepted/,
    ],
  ]),
  ['an empty signature', () => forged({ alg: 'ES256', kid: 'one' }, goodClaims(), () => ''), /signature/],
  ['two parts', () => forged({ alg: 'ES256' }, goodClaims(), () => '').slice(0, -1), /signature/],
  [
    'an all-zero signature',
    () => forged({ alg: 'ES256', kid: 'one' }, goodClaims(), () => Buffer.alloc(64)),
    /signature does not fit/,
  ],
  [
    'a DER signature',
    () =>
      forged({ alg: 'ES256', kid: 'one' }, goodClaims(), (input) => sign('sha256', Buffer.from(input), ec.privateKey)),
    /signature does not fit/,
  ],
  ['no alg', () => forged({ kid: 'one' }, goodClaims(), byEc), /algorithm/],
  ['an array as alg', () => forged({ alg: ['ES256'], kid: 'one' }, goodClaims(), byEc), /algorithm/],
  ['an unknown alg', () => forged({ alg: 'HS1', kid: 'one' }, goodClaims(), byEc), /algorithm/],
  ['alg toString', () => forged({ alg: 'toString', kid: 'one' }, goodClaims(), byEc), /algorithm/],
  ['alg __proto__', () => forged('{"alg":"__proto__","kid":"one"}', goodClaims(), byEc), /algorithm/],
  // T2: the public key as a secret
  ...[
    ['PEM', pem],
    ['PEM of another key', rsa.publicKey.export({ format: 'pem', type: 'spki' })],
    ['PEM after white space', ` \n${pem}`],
    ['PEM without its line end', pem.trim()],
    ['PEM (PKCS 1)', rsa.publicKey.export({ format: 'pem', type: 'pkcs1' })],
    ['DER', ec.publicKey.export({ format: 'der', type: 'spki' })],
    ['JWK', JSON.stringify(jwkOf(ec.publicKey, 'one'))],
    ['modulus', String(rsa.publicKey.export({ format: 'jwk' }).n)],
  ].flatMap(([form, key]): [string, () => string, RegExp][] =>
    ['inline', 'by-uri'].map((aud) => [
      `HS256 with the public key as ${String(form)} for ${aud}`,
      () => forged({ alg: 'HS256', kid: 'one' }, { ...goodClaims(), aud, sub: 'alice' }, hmac(key as string)),
      /not one registered/,
    ]),
  ),
  [
    'HS256 with an empty secret',
    () => forged({ alg: 'HS256' }, { ...goodClaims(), aud: 'by-secret' }, hmac('')),
    /signature does not fit/,
  ],
  [
    'HS256 with another secret',
    () => forged({ alg: 'HS256' }, { ...goodClaims(), aud: 'by-secret' }, hmac('x'.repeat(32))),
    /signature does not fit/,
  ],
  [
    'HS512 where HS256 is registered',
    () => token({ header: { alg: 'HS512' }, key: Buffer.from(secret.repeat(2)), claims: { aud: 'by-secret' } }),
    /algorithm/,
  ],
  [
    'ES256 where HS256 is registered',
    () => token({ claims: { aud: 'by-secret' } }),
    /not one registered for its issuer \(HS256\)/,
  ],
  // T3: whose key
  ['the kid of another key', () => token({ header: { kid: 'two' } }), /no key with this kid/],
  ['an unknown kid', () => token({ header: { kid: 'four' } }), /no key with this kid/],
  ['a path as kid', () => token({ header: { kid: '../../../../dev/null' } }), /no key with this kid/],
  ['SQL as kid', () => token({ header: { kid: "' union select 'secret" } }), /no key with this kid/],
  ['a long kid', () => token({ header: { kid: 'k'.repeat(129) } }), /kid must be/],
  ['an empty kid', () => token({ header: { kid: '' } }), /kid must be/],
  ['an object as kid', () => forged({ alg: 'ES256', kid: { not: '' } }, goodClaims(), byEc), /kid must be/],
  ['a number as kid', () => forged({ alg: 'ES256', kid: 1 }, goodClaims(), byEc), /kid must be/],
  ['a stranger’s signature', () => token({ key: stranger.privateKey }), /signature does not fit/],
  [
    'a stranger’s signature and no kid',
    () => token({ key: stranger.privateKey, header: { kid: undefined } }),
    /signature does not fit/,
  ],
  [
    'a stranger’s key in its header',
    () => token({ key: stranger.privateKey, header: { jwk: jwkOf(stranger.publicKey, 'one') } }),
    /signature does not fit/,
  ],
  // T4: times and the user
  ['no exp', () => token({ claims: { exp: undefined } }), /exp is missing/],
  ['no iat', () => token({ claims: { iat: undefined } }), /iat is missing/],
  ['exp as text', () => token({ claims: { exp: String(now() + 60) } }), /exp is not valid/],
  ['iat as text', () => token({ claims: { iat: 'now' } }), /iat/],
  ['an exp far away', () => token({ claims: { exp: now() + 365 * 86_400 } }), /24 hours/],
  [
    'an endless exp',
    () =>
      forged(
        { alg: 'ES256', kid: 'one' },
        JSON.stringify({ ...goodClaims(), exp: 0 }).replace('"exp":0', '"exp":1e999'),
        byEc,
      ),
    /exp must be present/,
  ],
  ['an exp of an hour ago', () => token({ claims: { iat: now() - 7_200, exp: now() - 3_600 } }), /expired/],
  ['an exp of a second ago', () => token({ claims: { iat: now() - 600, exp: now() - 1 } }), /expired/],
  ['an iat of tomorrow', () => token({ claims: { iat: now() + 86_400, exp: now() + 86_500 } }), /not valid yet/],
  ['an nbf of tomorrow', () => token({ claims: { nbf: now() + 86_400 } }), /not valid yet/],
  ...(
    [
      ['no user', undefined],
      ['a user that is null', null],
      ['a number as user', 42],
      ['an object as user', { not: '' }],
      ['an array as user', ['alice']],
      ['an empty user', ''],
      ['true as user', true],
      ['a long user', 'a'.repeat(129)],
      ['U+0000 in the user', 'a\0b'],
    ] as [string, unknown][]
  ).map(([name, id]): [string, () => Promise<string>, RegExp] => [
    name,
    () => token({ claims: { user: { id } } }),
    /user id/,
  ]),
  ['a user of a megabyte', () => token({ claims: { user: { id: 'a'.repeat(1_000_000) } } }), /longer than/],
  // T5: issuers and audiences
  ['no iss', () => token({ claims: { iss: undefined } }), /iss/],
  ['an object as iss', () => token({ claims: { iss: { not: '' } } }), /iss/],
  ['a list as iss', () => token({ claims: { iss: [iss] } }), /iss/],
  ['another iss', () => token({ claims: { iss: 'https://evil.example.com/' } }), /not registered/],
  ['iss in capitals', () => token({ claims: { iss: iss.toUpperCase() } }), /not registered/],
  ['iss without its slash', () => token({ claims: { iss: iss.slice(0, -1) } }), /not registered/],
  ['U+0000 in the iss', () => token({ claims: { iss: `${iss}\0` } }), /iss/],
  ['half a character in the iss', () => token({ claims: { iss: `${iss}\ud800` } }), /iss|not registered/],
  ['no aud', () => token({ claims: { aud: undefined } }), /aud/],
  ['an empty list as aud', () => token({ claims: { aud: [] } }), /aud/],
  ['a number in aud', () => token({ claims: { aud: ['inline', 1] } }), /aud/],
  [
    'a thousand audiences',
    () => token({ claims: { aud: Array.from({ length: 1000 }, (_, index) => `${index}`) } }),
    /aud/,
  ],
  ['another aud', () => token({ claims: { aud: 'another' } }), /not registered/],
  [
    'another tenant’s issuer',
    () => token({ claims: { iss: 'https://beta.example.com/', aud: 'beta', sub: 'alice' } }),
    /not one registered/,
  ],
  [
    'another tenant’s issuer, with our own secret',
    () =>
      token({
        header: { alg: 'HS256' },
        key: Buffer.from(secret),
        claims: { iss: 'https://beta.example.com/', aud: 'beta', sub: 'alice' },
      }),
    /signature does not fit/,
  ],
  ['another tenant’s audience', () => token({ claims: { aud: 'beta' } }), /not registered/],
  // T6: tokens that mean something else
  ['type logout+jwt', () => token({ header: { typ: 'logout+jwt' } }), /typ/],
  ['type dpop+jwt', () => token({ header: { typ: 'dpop+jwt' } }), /typ/],
  ['a refresh token', () => token({ claims: { typ: 'Refresh' } }), /refresh token/],
  ...['type', 'token_type', 'token_use'].map((name): [string, () => Promise<string>, RegExp] => [
    `a refresh token by ${name}`,
    () => token({ claims: { [name]: 'REFRESH' } }),
    /refresh token/,
  ]),
  ['a DPoP-bound token', () => token({ claims: { cnf: { jkt: 'thumbprint' } } }), /bound to a key/],
  ['a token bound to a certificate', () => token({ claims: { cnf: { 'x5t#S256': 'hash' } } }), /bound to a key/],
  [
    'a logout token of type JWT',
    () => token({ claims: { events: { 'http://schemas.openid.net/event/backchannel-logout': {} } } }),
    /logout token/,
  ],
  ['exp before iat', () => token({ claims: { iat: now() + 50, exp: now() + 40 } }), /exp must be later than iat/],
  // T11: not a signed JWT at all
  ['crit', () => forged({ alg: 'ES256', kid: 'one', crit: ['exp'], exp: 1 }, goodClaims(), byEc), /crit/],
  ['b64: false', () => forged({ alg: 'ES256', kid: 'one', b64: false, crit: ['b64'] }, goodClaims(), byEc), /crit/],
  ['b64 without crit', () => forged({ alg: 'ES256', kid: 'one', b64: false }, goodClaims(), byEc), /b64/],
  ['compression', () => forged({ alg: 'ES256', kid: 'one', zip: 'DEF' }, goodClaims(), byEc), /zip/],
  ['encryption', () => `${encode({ alg: 'dir', enc: 'A256GCM' })}..AAAA.AAAA.AAAA`, /not a JWT with a signature/],
  [
    'encryption with five full parts',
    () => `${encode({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9, p2s: 'AAAAAAAAAAA' })}.AAAA.AAAA.AAAA.AAAA`,
    /not a JWT with a signature/,
  ],
  [
    'PBES2 in three parts',
    () => forged({ alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 1e9 }, goodClaims(), byEc),
    /enc/,
  ],
  [
    'the JSON form',
    () => JSON.stringify({ payload: encode(goodClaims()), protected: encode({ alg: 'ES256' }), signature: 'AAAA' }),
    /not a JWT/,
  ],
  ['a megabyte', () => 'a'.repeat(1_000_000), /longer than/],
  ['a header of 9 kB', () => token({ header: { padding: 'x'.repeat(7_000) } }), /header is longer/],
  ['a header that is a list', () => forged([], goodClaims(), byEc), /JSON objects/],
  ['a header that is null', () => forged('null', goodClaims(), byEc), /JSON objects/],
  ['claims that are text', () => forged({ alg: 'ES256', kid: 'one' }, '"alice"', byEc), /JSON objects/],
  [
    'claims that are not UTF-8',
    () => {
      const input = `${encode({ alg: 'ES256', kid: 'one' })}.${Buffer.from(JSON.stringify({ ...goodClaims(), x: 'ÿ' }), 'latin1').toString('base64url')}`;
      return `${input}.${byEc(input).toString('base64url')}`;
    },
    /can be verified/,
  ],
  ['no JSON', () => 'aaaa.bbbb.cccc', /JSON objects/],
  ['nothing', () => '', /not a JWT/],
  ['dots', () => '..', /not a JWT/],
  ['an API key', () => 'sk_alpha_0000000000000000_0000', /not a JWT/],
  ['white space around it', async () => ` ${await token()} `, /not a JWT/],
  ['standard base64', async () => `${await token()}=`, /not a JWT/],
  ['a fourth part', async () => `${await token()}.AAAA`, /not a JWT/],
  [
    'changed claims',
    async () => {
      const [header, , signature] = (await token()).split('.');
      return `${header}.${encode({ ...goodClaims(), user: { id: 'mallory' } })}.${signature}`;
    },
    /signature does not fit/,
  ],
  [
    'a changed header',
    async () => `${encode({ alg: 'ES256', kid: 'one', x: 1 })}.${(await token()).split('.').slice(1).join('.')}`,
    /signature does not fit/,
  ],
];

describe('a token is refused with', () => {
  it('at least 60 different faults', () => {
    expect(bad.length).toBeGreaterThanOrEqual(60);
  });

  it.each(bad)('%s', async (_, make, reason) => {
    const made = await make();
    const detail = await refusal(shared.tokens.verify(made));
    expect(detail).toMatch(reason);
    for (const piece of made.split('.')) if (piece.length > 8) expect(detail).not.toContain(piece);
  });

  it('each of them after a few milliseconds of work', async () => {
    const made = await Promise.all(bad.map(async ([, make]) => await make()));
    const times: number[] = [];
    for (const one of made) {
      times.push(await cpuMsOf(() => refusal(shared.tokens.verify(one))));
    }
    times.sort((a, b) => a - b);
    expect(times.at(Math.floor(times.length * 0.9))).toBeLessThan(5);
  });
});

it('no URL in the header of a token is fetched', async () => {
  await using trap = await JwksServer.start(serving([jwkOf(stranger.publicKey, 'one')]));
  const headers = [
    { jku: trap.uri },
    { x5u: trap.uri },
    { jku: trap.uri, kid: trap.uri },
    { jwk: { ...jwkOf(stranger.publicKey, 'one'), x5u: trap.uri } },
    { x5c: [trap.uri], 'x5t#S256': trap.uri, iss: trap.uri },
  ];
  for (const header of headers) {
    for (const aud of ['inline', 'by-uri']) {
      await refusal(
        shared.tokens.verify(await token({ key: stranger.privateKey, header, claims: { aud, sub: 'alice' } })),
      );
    }
  }
  expect(trap.requests).toBe(0);
});

it('tokens with ever new lists of audiences cause one import of the keys of their issuer', async () => {
  const imported: number[] = [];
  const { tokens } = start((keys) => imported.push(keys));
  const unsigned = Array.from({ length: 200 }, (_, n) =>
    forged({ alg: 'ES256', kid: 'one' }, { ...goodClaims(), aud: ['inline', `made-up-${n}`] }, () => Buffer.alloc(64)),
  );
  await Promise.all(unsigned.slice(0, 50).map((one) => refusal(tokens.verify(one))));
  for (const one of unsigned.slice(50)) expect(await refusal(tokens.verify(one))).toMatch(/signature does not fit/);
  expect(await refusal(tokens.verify(forged({ alg: 'RS512', kid: 'none' }, goodClaims(), byEc)))).toMatch(/no key/);
  expect(imported).toEqual([3]);
  const good = await token();
  const caller = await tokens.verify(good);
  await shared.issuers.update(alpha, registered.jwks.id, {
    claims: { userId: 'user.id', role: 'https://example.com/role', name: 'user.name' },
  });
  expect((await tokens.verifyAnew(good, caller)).id).toBe('corp:alice');
  expect(imported).toEqual([3, 3]); // once for each version
});

describe('a valid token is refused', () => {
  it('when it expires, although it was remembered', async () => {
    const isGood = () =>
      shared.tokens.verify(short).then(
        () => true,
        () => false,
      );
    let short = '';
    await until(async () => {
      short = await token({ claims: { exp: now() + 2 } });
      return await isGood(); // else the machine is slow, and needs another one
    }, 'the token is good');
    await until(async () => !(await isGood()), 'the token expires');
    expect(await refusal(shared.tokens.verify(short))).toMatch(/expired/);
  });

  it('when its issuer is deleted: the database refuses the caller, and after a restart the token is refused', async () => {
    const { id } = await register(alpha, { issuer: iss, audience: 'short-lived', secret });
    const asked = { header: { alg: 'HS256' }, key: Buffer.from(secret), claims: { aud: 'short-lived', sub: 'alice' } };
    const good = await token(asked);
    const caller = await shared.tokens.verify(good);
    await shared.issuers.remove(alpha, id);
    expect(await refusal(database.inTenantOf(caller, async () => 'inside'))).toMatch(/revoked/);
    expect(await refusal(start().tokens.verify(good))).toMatch(/not registered/);
    expect(
      await refusal(shared.tokens.verify(await token({ ...asked, claims: { ...asked.claims, jti: '2' } }))),
    ).toMatch(/not registered/);
  });
});

describe('registering', () => {
  const pair = { issuer: 'https://taken.example.com/', audience: 'app' };

  it('an issuer that the tenant has is a conflict; what other tenants have does not matter', async () => {
    const { id } = await register(alpha, { ...pair, secret });
    await expect(register(alpha, { ...pair, secret })).rejects.toMatchObject({ code: 'conflict', status: 409 });
    await register(alpha, { ...pair, audienceClaim: 'client_id', secret });
    await register(beta, { ...pair, secret });
    await shared.issuers.remove(alpha, id);
    await register(alpha, { ...pair, secret });
  });

  it('takes effect at once, although its tokens were refused just before', async () => {
    const asked = { header: { alg: 'HS256' }, key: Buffer.from(secret), claims: { aud: 'soon', sub: 'alice' } };
    await refusal(shared.tokens.verify(await token(asked)));
    await register(alpha, { issuer: iss, audience: 'soon', secret });
    expect((await shared.tokens.verify(await token(asked))).id).toBe('alice');
  });

  it('seals the secret, and shows it to nobody', async () => {
    const shown = [
      await shared.issuers.get(alpha, registered.secret.id),
      await shared.issuers.list(alpha, { limit: 100 }),
    ];
    expect(JSON.stringify(shown)).not.toContain(secret);
    const { rows } = await owner.query<{ row: string }>(
      'select issuers::text as row from issuers union all select audit::text from audit',
    );
    for (const { row } of rows) {
      expect(row).not.toContain(secret);
      expect(row).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });

  it('leaves one audit entry, and so does deleting', async () => {
    const { id } = await register(alpha, { issuer: iss, audience: 'audited', jwksUri: provider.uri });
    await shared.issuers.remove(alpha, id);
    const { rows } = await owner.query('select action, caller, details from audit where subject = $1 order by id', [
      id,
    ]);
    expect(rows).toEqual([
      {
        action: 'issuer.create',
        caller: { kind: 'apiKey', id: alpha.id },
        details: { issuer: iss, audience: 'audited', algorithms: expect.any(Array), jwksUri: provider.uri },
      },
      {
        action: 'issuer.delete',
        caller: { kind: 'apiKey', id: alpha.id },
        details: { issuer: iss, audience: 'audited' },
      },
    ]);
  });

  it('stores and shows only the public members of inline keys', async () => {
    const key = { ...jwkOf(ec.publicKey, 'one'), x5c: ['MII'], note: 'mine' };
    const { id } = await register(alpha, { issuer: iss, audience: 'kept', jwks: { keys: [key] } });
    const shown = await shared.issuers.get(alpha, id);
    expect(shown).toMatchObject({
      id,
      algorithms: ['ES256'],
      claims: { userId: 'sub' },
      jwks: { keys: [jwkOf(ec.publicKey, 'one')] },
    });
    expect(shown.jwks?.keys[0]).not.toHaveProperty('note');
  });

  it('needs a public address, unless private ones are allowed', async () => {
    const strict = new IssuersService(
      database,
      reads,
      secrets,
      settingsWith('false'),
      new IssuerDirectory(database, secrets),
      new JwksKeys({ allowPrivateAddresses: false, clock: new DatabaseClock() }),
    );
    const body = createIssuerBody.parse({ issuer: iss, audience: 'inward', jwksUri: 'https://169.254.169.254/' });
    await expect(strict.create(alpha, body)).rejects.toMatchObject({
      code: 'invalid_request',
      errors: [{ path: 'jwksUri' }],
    });
  });

  it('stops at a hundred issuers a tenant', async () => {
    const many = await createTenant('many');
    for (let index = 0; index < 100; index++)
      await register(many, { issuer: `https://${index}.example.com`, audience: 'app', secret });
    await expect(register(many, { issuer: 'https://100.example.com', audience: 'app', secret })).rejects.toMatchObject({
      code: 'quota_exceeded',
    });
    const first = await shared.issuers.list(many, { limit: 60 });
    const second = await shared.issuers.list(many, { limit: 60, cursor: first.nextCursor ?? '' });
    expect([first.data.length, second.data.length, second.nextCursor]).toEqual([60, 40, null]);
  });
});

describe('another tenant’s issuer', () => {
  it('is not there', async () => {
    const { id } = registered.jwks;
    await expect(shared.issuers.get(beta, id)).rejects.toMatchObject({
      code: 'not_found',
      detail: 'There is no such issuer.',
    });
    await expect(shared.issuers.remove(beta, id)).rejects.toMatchObject({
      code: 'not_found',
      detail: 'There is no such issuer.',
    });
    expect((await shared.issuers.list(beta, { limit: 100 })).data.map((one) => one.id)).not.toContain(id);
    expect((await shared.issuers.get(alpha, id)).id).toBe(id);
  });
});

describe('with a JWKS URL', () => {
  const ask = async (kid: string, key: KeyObject, aud: string) =>
    await token({ header: { kid }, key, claims: { aud, sub: 'alice' } });

  it('a key that is rotated is accepted soon after its first use', async () => {
    await using rotating = await JwksServer.start(serving([jwkOf(ec.publicKey, 'old')]));
    await register(alpha, { issuer: iss, audience: 'rotating', jwksUri: rotating.uri });
    await shared.tokens.verify(await ask('old', ec.privateKey, 'rotating'));
    rotating.answer = serving([jwkOf(stranger.publicKey, 'new')]);
    const fresh = await ask('new', stranger.privateKey, 'rotating');
    const caller = await untilAccepted(fresh);
    expect(caller.id).toBe('alice');
    expect(await refusal(shared.tokens.verify(await ask('old', ec.privateKey, 'rotating')))).toMatch(
      /no key with this kid|signature/,
    );
    expect(rotating.requests).toBe(2);
  });

  it('ten thousand tokens with invented key ids cause one fetch', async () => {
    await using flooded = await JwksServer.start(serving([jwkOf(ec.publicKey, 'one')]));
    await register(alpha, { issuer: iss, audience: 'flooded', jwksUri: flooded.uri });
    const claims = { ...goodClaims(), aud: 'flooded', sub: 'alice' };
    const tokens = Array.from({ length: 10_000 }, (_, index) =>
      forged({ alg: 'ES256', kid: `made-up-${index}` }, claims, () => 'AAAA'),
    );
    const start = performance.now();
    const cpuMs = await cpuMsOf(async () => {
      for (const one of tokens) await refusal(shared.tokens.verify(one));
    });
    expect(cpuMs / tokens.length).toBeLessThan(1);
    // One more is allowed each thirty seconds.
    expect(flooded.requests).toBeLessThanOrEqual(2 + (performance.now() - start) / 30_000);
    expect((await shared.tokens.verify(await ask('one', ec.privateKey, 'flooded'))).id).toBe('alice');
  });

  it('that never answered, its users get a 503 and others are served', async () => {
    await using dead = await JwksServer.start(saying(500, ''));
    await register(alpha, { issuer: iss, audience: 'dead', jwksUri: dead.uri });
    const error: unknown = await shared.tokens
      .verify(await ask('one', ec.privateKey, 'dead'))
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'unavailable', status: 503, retryAfterSeconds: expect.any(Number) });
    expect((await shared.tokens.verify(await ask('one', ec.privateKey, 'by-uri'))).id).toBe('alice');
  });

  async function untilAccepted(one: string) {
    for (;;) {
      try {
        return await shared.tokens.verify(one);
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error;
        await delay(100);
      }
    }
  }
});

function settingsWith(allowPrivate: 'true' | 'false', databaseUrl = 'postgresql://127.0.0.1/none'): Settings {
  return Settings.from({
    DATABASE_URL: databaseUrl,
    STAGEDOOR_OPERATOR_TOKEN: randomBytes(32).toString('hex'),
    STAGEDOOR_MASTER_KEY: Buffer.from('stagedoor master key of the test').toString('base64'),
    AWS_REGION: 'us-east-1',
    JWKS_ALLOW_PRIVATE_ADDRESSES: allowPrivate,
  });
}

async function createTenant(slug: string): Promise<ApiKeyCaller> {
  const [tenantId, id] = [newId('ten'), newId('key')];
  await owner.query("insert into tenants (id, slug, name, region) values ($1, $2, $2, 'us-east-1')", [tenantId, slug]);
  await owner.query(
    "insert into api_keys (tenant_id, id, name, prefix, hash, scopes) values ($1, $2, 'test', 'sk', '', '{*}')",
    [tenantId, id],
  );
  return { kind: 'apiKey', id, tenantId, scopes: ['*'], bounds: {} };
}
