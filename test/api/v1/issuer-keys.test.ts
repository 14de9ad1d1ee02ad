/** The sources of an issuer's keys: several at once, what is told about them, and how they change. */
import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import { JwksServer, saying, serving } from '../issuers/jwks-server.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const next = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const jwkOf = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid });
const bytes = randomBytes(64);

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = (await stagedoor.createSpace(tenant, { stage: true, room: false }))['id'] as string;
});
afterAll(() => stagedoor.stop());

const pair = () => ({ issuer: `https://login-${randomUUID()}.example/`, audience: 'app' });
const register = (body: object) => stagedoor.expect(201, stagedoor.post('/v1/issuers', tenant.key, body));
const patch = (id: string, body: object) => stagedoor.request('PATCH', `/v1/issuers/${id}`, { as: tenant.key, body });
const shown = async (id: string) => await stagedoor.expect(200, stagedoor.get(`/v1/issuers/${id}`, tenant.key));

async function join(issuer: string, alg: string, key: KeyObject, more: Json = {}) {
  const { kid = 'one', seconds = 600, ...claims } = more;
  const token = await new SignJWT({ aud: 'app', jti: randomUUID(), ...claims })
    .setProtectedHeader({ alg, kid: kid as string })
    .setIssuer(issuer)
    .setSubject('ann')
    .setIssuedAt()
    .setExpirationTime(`${seconds as number}s`)
    .sign(key);
  return await stagedoor.post(`/v1/spaces/${space}/join`, token, {});
}

it('a provider that moves from a secret to keys is served by all of them at once, and each source is removed alone', async () => {
  await using server = await JwksServer.start(serving([jwkOf(next.publicKey, 'one')]));
  const body = {
    ...pair(),
    secret: bytes.toString('base64'),
    secretEncoding: 'base64',
    algorithms: ['HS256', 'HS512'],
  };
  const made = await register(body);
  const { secret: _, ...told } = body;
  expect(made).toMatchObject({ ...told, keys: { state: 'ok', usable: 1 } });
  const secret = createSecretKey(bytes);
  const statuses = async () =>
    await Promise.all([
      join(body.issuer, 'HS512', secret).then(({ status }) => status),
      join(body.issuer, 'EdDSA', ed.privateKey, { kid: 'ed' }).then(({ status }) => status),
      join(body.issuer, 'ES256', next.privateKey).then(({ status }) => status),
    ]);
  expect(await statuses()).toEqual([201, 401, 401]);
  // A new source makes no algorithm good that was not asked for.
  const jwks = { keys: [jwkOf(ed.publicKey, 'ed')] };
  expectProblem(await patch(made['id'], { jwks, jwksUri: server.uri }), 'invalid_request');
  const algorithms = ['HS512', 'Ed25519', 'ES256'];
  const changed = await stagedoor.expect(200, patch(made['id'], { jwks, jwksUri: server.uri, algorithms }));
  expect(changed).toMatchObject({ algorithms, keys: { state: 'ok', usable: 3, fetchedAt: expect.any(String) } });
  expect(await statuses()).toEqual([201, 201, 201]);
  expect((await join(body.issuer, 'Ed25519', ed.privateKey, { kid: 'ed' })).status).toBe(201);
  // A public key is no secret, whatever the algorithms are.
  const spki = ed.publicKey.export({ format: 'der', type: 'spki' });
  for (const forged of [spki, Buffer.from(String(ed.publicKey.export({ format: 'jwk' }).x), 'base64url')])
    expectProblem(await join(body.issuer, 'HS512', createSecretKey(forged), { kid: 'ed' }), 'unauthenticated');
  await stagedoor.expect(200, patch(made['id'], { secret: null }));
  expect(await statuses()).toEqual([401, 201, 201]);
  await stagedoor.expect(200, patch(made['id'], { jwks: null }));
  expect(await statuses()).toEqual([401, 401, 201]);
  expectProblem(await patch(made['id'], { jwksUri: null }), 'invalid_request');
  expect(JSON.stringify([made, changed])).not.toContain(body.secret);
});

it('all but the name of an issuer can be changed', async () => {
  const made = await register({ ...pair(), jwks: { keys: [jwkOf(ec.publicKey, 'one')] } });
  const issuer = made['issuer'] as string;
  const long = () => join(issuer, 'ES256', ec.privateKey, { seconds: 2 * 86_400, aud: undefined, client_id: 'web' });
  expect((await long()).status).toBe(401);
  const change = { audience: 'web', audienceClaim: 'client_id', maxLifeSeconds: 2 * 86_400, userIdPrefix: 'x:' };
  expect(await stagedoor.expect(200, patch(made['id'], change))).toEqual({ ...made, ...change });
  expect((await long()).body['userId']).toBe('x:ann');
  const tooLong = await join(issuer, 'ES256', ec.privateKey, { seconds: 3 * 86_400, client_id: 'web' });
  expect(tooLong.body['detail']).toContain('48 hours');
  await stagedoor.expect(200, patch(made['id'], { userIdPrefix: null }));
  expect((await long()).body['userId']).toBe('ann');
  expectProblem(await patch(made['id'], { issuer: 'https://other.example/' }), 'invalid_request');
  await register({ issuer, audience: 'app', jwks: { keys: [jwkOf(ec.publicKey, 'one')] } });
  expectProblem(await patch(made['id'], { audience: 'app', audienceClaim: 'aud' }), 'conflict');
});

describe('whoever registers a key URL with a mistake in it sees the mistake, and so do users', () => {
  const certificate = '-----BEGIN CERTIFICATE-----\nMIIC\n-----END CERTIFICATE-----\n';
  const weak = generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey.export({ format: 'jwk' });
  it.each<[string, Parameters<typeof JwksServer.start>[0], RegExp]>([
    ['x509_certificates', saying(200, JSON.stringify({ a1: certificate, b2: certificate })), /X\.509/],
    ['redirect', saying(302, '', { location: 'https://login.example/' }), /redirects/],
    ['not_found', saying(404, 'no'), /404/],
    ['error_status', saying(500, 'no'), /an error/],
    ['not_json', saying(200, '<html>'), /other than JSON/],
    ['discovery_document', saying(200, JSON.stringify({ issuer: 'x', jwks_uri: 'y' })), /discovery/],
    ['not_jwks', saying(200, '{"key":[]}'), /no JWKS/],
    ['too_large', saying(200, JSON.stringify({ keys: [], padding: 'x'.repeat(70_000) })), /more than can be read/],
    ['compressed', saying(200, '', { 'content-encoding': 'gzip' }), /compressed/],
    ['no_usable_key', serving([weak]), /no key that can be used/],
    ['unreachable', (request) => request.socket.destroy(), /cannot be reached/],
  ])('%s', async (reason, answer, words) => {
    await using server = await JwksServer.start(answer);
    const made = await register({ ...pair(), jwksUri: server.uri });
    expect(made['keys']).toMatchObject({ state: 'failing', usable: 0, reason });
    expect((await shown(made['id']))['keys']).toEqual(made['keys']);
    const refused = await join(made['issuer'], 'ES256', ec.privateKey);
    expectProblem(refused, 'unavailable');
    expect(refused.body['detail']).toMatch(words);
    expect(refused.text).not.toMatch(/127\.0\.0\.1|login\.example\//);
  });

  it('and sees it mended, by the change of the URL or by itself', async () => {
    await using server = await JwksServer.start(saying(404, ''));
    await using good = await JwksServer.start(serving([jwkOf(ec.publicKey, 'one'), jwkOf(next.publicKey, 'two')]));
    const made = await register({ ...pair(), jwksUri: server.uri });
    const changed = await stagedoor.expect(200, patch(made['id'], { jwksUri: good.uri }));
    expect(changed['keys']).toEqual({ state: 'ok', usable: 2, fetchedAt: expect.any(String) });
    expect((await join(made['issuer'], 'ES256', ec.privateKey)).status).toBe(201);
    const other = await register({ ...pair(), jwksUri: `${server.uri}?other` });
    expect(other['keys']).toMatchObject({ state: 'failing', reason: 'not_found' });
    server.answer = serving([jwkOf(ec.publicKey, 'one')]);
    await until(
      async () => (await join(other['issuer'], 'ES256', ec.privateKey)).status === 201,
      'the keys are fetched',
    );
    await until(async () => (await shown(other['id']))['keys'].state === 'ok', 'the state is written down');
  });
});

it('a provider that rotates a key without a new kid is served soon', async () => {
  await using server = await JwksServer.start(serving([jwkOf(ec.publicKey, 'one')]));
  const { issuer } = await register({ ...pair(), jwksUri: server.uri });
  expect((await join(issuer, 'ES256', ec.privateKey)).status).toBe(201);
  server.answer = serving([jwkOf(next.publicKey, 'one')]);
  await until(async () => (await join(issuer, 'ES256', next.privateKey)).status === 201, 'the new key is fetched');
  expect((await join(issuer, 'ES256', ec.privateKey)).status).toBe(401);
});
