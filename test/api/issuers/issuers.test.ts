import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { expectProblem } from '../../support/problem.ts';
import { Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { JwksServer, saying, serving } from './jwks-server.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one' };
const secret = 'a shared secret of 32 random bytes: 8Kd0';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let other: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  other = await stagedoor.createTenant();
});
afterAll(() => stagedoor.stop());

let made = 0;
/** A pair of issuer and audience that was not used before. */
const pair = () => ({ issuer: `https://login-${++made}.example.com/`, audience: 'app' });

async function register(body: object, as = tenant.key) {
  return await stagedoor.expect(201, stagedoor.post('/v1/issuers', as, body));
}

async function tokenOf(
  { issuer, audience }: { issuer: string; audience: string | string[] },
  kid = 'one',
  key = privateKey,
): Promise<string> {
  return await new SignJWT({})
    .setProtectedHeader({ alg: 'ES384', kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject('alice')
    .setIssuedAt()
    .setExpirationTime('10m')
    .setJti(randomUUID())
    .sign(key);
}

/** Users may not list issuers: 403 says that a user was known, 401 that none was. */
async function statusFor(token: string): Promise<number> {
  return (await stagedoor.get('/v1/issuers', token)).status;
}

describe('POST /v1/issuers', () => {
  it('answers with the issuer as sent, and with its id', async () => {
    const sent = {
      ...pair(),
      jwks: { keys: [jwk] },
      algorithms: ['ES384'],
      claims: { userId: 'user.id', role: 'https://example.com/role', name: 'user.name' },
      userIdPrefix: 'corp:',
    };
    expect(await register(sent)).toEqual({
      ...sent,
      maxLifeSeconds: 24 * 3_600,
      keys: { state: 'ok', usable: 1 },
      id: expect.stringMatching(/^iss_[0-9a-z]{26}$/),
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it('makes its users known', async () => {
    const body = { ...pair(), jwks: { keys: [jwk] } };
    const token = await tokenOf(body);
    expect(await statusFor(token)).toBe(401);
    await register(body);
    expect(await statusFor(token)).toBe(403);
  });

  it('never shows the secret', async () => {
    const answer = await register({ ...pair(), secret });
    expect(answer['algorithms']).toEqual(['HS256']);
    const shown = await stagedoor.get(`/v1/issuers/${answer['id']}`, tenant.key);
    const audited = await stagedoor.get('/v1/audit', tenant.key);
    for (const text of [JSON.stringify(answer), shown.text, audited.text]) expect(text).not.toContain(secret);
  });

  it('takes an issuer that the tenant has for a conflict, and another audience claim for another issuer', async () => {
    const body = { ...pair(), secret };
    await register(body);
    expectProblem(await stagedoor.post('/v1/issuers', tenant.key, body), 'conflict');
    expect(await register({ ...body, audienceClaim: 'client_id' })).toMatchObject({ audienceClaim: 'client_id' });
    await register(body, other.key);
  });

  it.each([
    ['no keys', {}, ''],
    ['a private key', { jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }) }] } }, 'jwks.keys.0.d'],
    ['a short secret', { secret: 'short' }, 'secret'],
    ['HS256 with public keys', { jwks: { keys: [jwk] }, algorithms: ['HS256'] }, 'algorithms'],
    ['a JWKS URL that is none', { jwksUri: 'jwks' }, 'jwksUri'],
    ['a JWKS URL with a password', { jwksUri: 'https://a:b@login.example.com/' }, 'jwksUri'],
    ['an object as issuer', { secret, issuer: { not: '' } }, 'issuer'],
    ['a tenant', { secret, tenantId: 'ten_other' }, ''],
  ])('refuses %s, and says where it is', async (_, body, path) => {
    const answer = await stagedoor.post('/v1/issuers', tenant.key, { ...pair(), ...body });
    expect([answer.status, answer.body['code']]).toEqual([400, 'invalid_request']);
    expect(answer.body['errors'].map((fault: { path: string }) => fault.path)).toContain(path);
  });

  it('takes a scope', async () => {
    const key = await keyWith(['spaces:write']);
    for (const [method, path] of [
      ['POST', ''],
      ['GET', ''],
      ['GET', '/iss_x'],
      ['PATCH', '/iss_x'],
      ['DELETE', '/iss_x'],
    ] as const) {
      const body = method === 'POST' || method === 'PATCH' ? { ...pair(), secret } : undefined;
      const answer = await stagedoor.request(method, `/v1/issuers${path}`, { as: key, body });
      expect([answer.status, answer.body['code']]).toEqual([403, 'forbidden']);
    }
    expect((await stagedoor.get('/v1/issuers', await keyWith(['issuers:write']))).status).toBe(200);
  });

  async function keyWith(scopes: string[]): Promise<string> {
    const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, { name: 'test', scopes }));
    return key as string;
  }
});

describe('GET /v1/issuers', () => {
  it('lists the tenant’s own, page by page', async () => {
    const lister = await stagedoor.createTenant();
    const ids = [];
    for (let index = 0; index < 3; index++) ids.push((await register({ ...pair(), secret }, lister.key))['id']);
    const first = await stagedoor.expect(200, stagedoor.get('/v1/issuers?limit=2', lister.key));
    const next = `/v1/issuers?limit=2&cursor=${first['nextCursor']}`;
    const second = await stagedoor.expect(200, stagedoor.get(next, lister.key));
    const listed = [...first['data'], ...second['data']].map((one) => one.id);
    expect(listed).toHaveLength(4); // and the one every test tenant has
    expect(listed).toEqual(expect.arrayContaining(ids));
    expect(second['nextCursor']).toBeNull();
  });
});

describe('GET and DELETE /v1/issuers/{issuerId}', () => {
  it('know nothing of another tenant’s, to the letter as of one that never was', async () => {
    const { id } = await register({ ...pair(), secret });
    for (const method of ['GET', 'DELETE']) {
      const [foreign, missing] = await Promise.all(
        [id, 'iss_00000000000000000000000000'].map((one) =>
          stagedoor.request(method, `/v1/issuers/${one}`, {
            as: other.key,
            headers: { 'x-request-id': 'the-same-id' },
          }),
        ),
      );
      expect(foreign?.status).toBe(404);
      expect(foreign?.text).toBe(missing?.text);
    }
    expect((await stagedoor.get(`/v1/issuers/${id}`, tenant.key)).status).toBe(200);
  });
});

function patch(id: string, body: object, as = tenant.key) {
  return stagedoor.request('PATCH', `/v1/issuers/${id}`, { as, body });
}

const removing = (id: string) =>
  stagedoor.expect(204, stagedoor.request('DELETE', `/v1/issuers/${id}`, { as: tenant.key }));

describe('PATCH /v1/issuers/{issuerId}', () => {
  const fresh = generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
  const two = jwkOf(fresh.publicKey, 'two');

  it('rotates the keys in place: tokens of the old key are refused at once', async () => {
    const body = { ...pair(), jwks: { keys: [jwk] } };
    const made = await register(body);
    const [old, young] = [await tokenOf(body), await tokenOf(body, 'two', fresh.privateKey)];
    expect([await statusFor(old), await statusFor(young)]).toEqual([403, 401]);
    const both = { jwks: { keys: [jwk, two] } };
    expect(await stagedoor.expect(200, patch(made['id'], both))).toEqual({
      ...made,
      ...both,
      keys: { state: 'ok', usable: 2 },
    });
    expect([await statusFor(old), await statusFor(young)]).toEqual([403, 403]);
    await stagedoor.expect(200, patch(made['id'], { jwks: { keys: [two] } }));
    const space = await stagedoor.createSpace(tenant);
    const join = async (token: string) => (await stagedoor.post(`/v1/spaces/${space['id']}/join`, token, {})).status;
    expect([await join(old), await join(young)]).toEqual([401, 201]);
  });

  it('a replica that has not heard of a change refuses what it withdrew, and serves what it allows, at once', async () => {
    const body = { ...pair(), jwks: { keys: [jwk] } };
    const made = await register(body);
    const space = await stagedoor.createSpace(tenant);
    const join = async (token: string, headers: Record<string, string> = {}) => {
      const path = `/v1/spaces/${space['id']}/join`;
      return (await stagedoor.request('POST', path, { as: token, body: {}, headers })).status;
    };
    const tokens = [await tokenOf(body), await tokenOf(body), await tokenOf(body)];
    for (const token of tokens) expect(await join(token)).toBe(201);
    // Another replica has changed the issuer.
    await stagedoor.database.query('update issuers set version = version + 1 where id = $1', [made['id']]);
    expect(await join(tokens[0] as string)).toBe(201);
    expect(await join(tokens[1] as string, { 'idempotency-key': 'once' })).toBe(201);
    const changed = JSON.stringify({ keys: [two] });
    await stagedoor.database.query('update issuers set version = version + 1, jwks = $2 where id = $1', [
      made['id'],
      changed,
    ]);
    expect(await join(tokens[2] as string)).toBe(401);
    expect(await join(await tokenOf(body, 'two', fresh.privateKey))).toBe(201);
  });

  it('changes the claims, the algorithms, the URL and the secret, each alone', async () => {
    const made = await register({ ...pair(), jwks: { keys: [jwk] } });
    const claims = { userId: 'user.id', role: 'role' };
    expect(await stagedoor.expect(200, patch(made['id'], { claims }))).toEqual({ ...made, claims });
    const toSecret = await stagedoor.expect(200, patch(made['id'], { secret, jwks: null, algorithms: ['HS256'] }));
    const { jwks: _, ...rest } = made;
    expect(toSecret).toEqual({ ...rest, claims, algorithms: ['HS256'] });
    const url = { jwksUri: 'http://127.0.0.1:9/keys', algorithms: ['ES384', 'RS256'] };
    expect(await stagedoor.expect(200, patch(made['id'], { ...url, secret: null }))).toEqual({
      ...rest,
      claims,
      ...url,
      keys: { state: 'failing', usable: 0, reason: 'unreachable' },
    });
    expect((await stagedoor.expect(200, patch(made['id'], { algorithms: ['RS256'] })))['algorithms']).toEqual([
      'RS256',
    ]);
    const { data } = (await stagedoor.get('/v1/audit?action=issuer.update&limit=1', tenant.key)).body;
    expect(data[0]).toMatchObject({ subject: made['id'], details: { changed: ['algorithms'], algorithms: ['RS256'] } });
  });

  it('never makes an algorithm good that was not asked for', async () => {
    const made = await register({ ...pair(), jwks: { keys: [jwk] } });
    for (const keys of [[jwkOf(rsa.publicKey, 'r')], [jwk, jwkOf(rsa.publicKey, 'r')]]) {
      const answer = await patch(made['id'], { jwks: { keys } });
      expectProblem(answer, 'invalid_request');
      expect(answer.body['errors'][0]).toMatchObject({ path: 'algorithms', message: expect.stringContaining('name') });
    }
    const jwks = { keys: [jwk, jwkOf(rsa.publicKey, 'r')] };
    const named = await stagedoor.expect(200, patch(made['id'], { jwks, algorithms: ['ES384', 'RS256'] }));
    expect(named['algorithms']).toEqual(['ES384', 'RS256']);
  });

  it.each([
    ['nothing', {}],
    ['two sources', { secret, jwks: { keys: [jwk] } }],
    ['a secret with an algorithm of public keys', { secret, algorithms: ['RS256'] }],
    ['another issuer', { issuer: 'https://other.example/' }],
    ['a JWKS URL that is none', { jwksUri: 'jwks' }],
  ])('refuses %s, and changes nothing', async (_, body) => {
    const made = await register({ ...pair(), jwks: { keys: [jwk] } });
    expectProblem(await patch(made['id'], body), 'invalid_request');
    expect((await stagedoor.get(`/v1/issuers/${made['id']}`, tenant.key)).body).toEqual(made);
  });
});

describe('DELETE /v1/issuers/{issuerId}', () => {
  it('ends its users’ access at once', async () => {
    const body = { ...pair(), jwks: { keys: [jwk] } };
    const { id } = await register(body);
    const space = await stagedoor.createSpace(tenant);
    const token = await tokenOf(body);
    const join = () => stagedoor.post(`/v1/spaces/${space['id']}/join`, token, {});
    expect((await join()).status).toBe(201);
    await removing(id);
    expect((await join()).status).toBe(401);
    expect((await stagedoor.get(`/v1/issuers/${id}`, tenant.key)).status).toBe(404);
  });

  it('and registering it again serves its users at once, with the tokens that they have', async () => {
    const body = { ...pair(), jwks: { keys: [jwk] } };
    const space = await stagedoor.createSpace(tenant);
    const token = await tokenOf(body);
    const join = async () => (await stagedoor.post(`/v1/spaces/${space['id']}/join`, token, {})).status;
    const { id } = await register(body);
    expect(await join()).toBe(201);
    await removing(id);
    await register(body);
    expect(await join()).toBe(201);
  });
});

describe('an issuer with a JWKS URL', () => {
  it('that is down gets its users 503 with Retry-After, and comes back by itself', async () => {
    await using provider = await JwksServer.start(saying(500, 'internal detail'));
    const body = { ...pair(), jwksUri: provider.uri };
    await register(body);
    const token = await tokenOf(body);
    const answer = await stagedoor.get('/v1/issuers', token);
    expect([answer.status, answer.body['code']]).toEqual([503, 'unavailable']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(answer.text).not.toMatch(/127\.0\.0\.1|internal detail/);
    provider.answer = serving([jwk]);
    await sleep(Number(answer.headers.get('retry-after')) * 1_000);
    expect(await statusFor(token)).toBe(403);
  });

  it('gets a token with a made-up key id refused, in words that help', async () => {
    await using provider = await JwksServer.start(serving([jwk]));
    const body = { ...pair(), jwksUri: provider.uri };
    await register(body);
    expect(await statusFor(await tokenOf(body))).toBe(403);
    const answer = await stagedoor.get('/v1/issuers', await tokenOf(body, 'made-up'));
    expect([answer.status, answer.body['code']]).toEqual([401, 'unauthenticated']);
    expect(answer.body['detail']).toContain('no key with this kid');
    expect(provider.requests).toBeLessThanOrEqual(2);
  });
});

it('where private addresses are not allowed, the URLs that a tenant gives have to be public', async () => {
  const strict = await Stagedoor.start({
    JWKS_ALLOW_PRIVATE_ADDRESSES: 'false',
    WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'false',
  });
  try {
    const { key } = await strict.createTenant();
    const { id } = await strict.expect(201, strict.post('/v1/webhooks', key, { url: 'https://93.184.215.14/' }));
    for (const url of [
      'http://login.example.com/',
      'https://127.0.0.1/',
      'https://169.254.169.254/',
      'https://localhost/',
    ]) {
      const answers = [
        await strict.post('/v1/issuers', key, { ...pair(), jwksUri: url }),
        await strict.post('/v1/webhooks', key, { url }),
        await strict.request('PATCH', `/v1/webhooks/${id}`, { as: key, body: { url } }),
      ];
      expect(answers.map(({ status, body }) => [status, body['errors']?.[0].path as string])).toEqual([
        [400, 'jwksUri'],
        [400, 'url'],
        [400, 'url'],
      ]);
    }
    expect((await strict.post('/v1/issuers', key, { ...pair(), jwksUri: 'https://login.example.com/' })).status).toBe(
      201,
    );
  } finally {
    await strict.stop();
  }
});
