/** Provider × kind of token × what must happen, with what the providers really send. */
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT } from 'jose';
import { JwksServer, serving } from '../issuers/jwks-server.ts';
import { type IdentityProvider, identityProviders, type ProviderToken } from '../../support/identity-providers.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

const keys = {
  RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
};
const stranger = generateKeyPairSync('rsa', { modulusLength: 2_048 });

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: string;
let server: JwksServer;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  await stagedoor.expect(
    200,
    stagedoor.request('PUT', '/v1/roles/viewer', {
      as: tenant.key,
      body: {
        stage: { capabilities: ['SUBSCRIBE'] },
        chat: { capabilities: ['SEND_MESSAGE'] },
        attributes: { name: '{{claims.name}}' },
      },
    }),
  );
  space = (await stagedoor.createSpace(tenant, { stage: true, room: false }))['id'] as string;
  server = await JwksServer.start(
    serving([
      { ...keys.RS256.publicKey.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' },
      { ...keys.ES256.publicKey.export({ format: 'jwk' }), kid: 'ec', alg: 'ES256', use: 'sig' },
    ]),
  );
  for (const { registrations } of identityProviders) {
    for (const registration of registrations) {
      const body = registration['jwksUri'] === undefined ? registration : { ...registration, jwksUri: server.uri };
      await stagedoor.expect(201, stagedoor.post('/v1/issuers', tenant.key, body));
    }
  }
});
afterAll(async () => {
  await stagedoor.stop();
  await server[Symbol.asyncDispose]();
});

function keyOf({ algorithm, registrations }: IdentityProvider): KeyObject {
  if (algorithm === 'HS256') return createSecretKey(Buffer.from(registrations[0]?.['secret'] as string, 'base64'));
  return keys[algorithm].privateKey;
}

async function sign(provider: IdentityProvider, token: ProviderToken, key = keyOf(provider)): Promise<string> {
  const { algorithm } = provider;
  const kid = algorithm === 'HS256' ? {} : { kid: algorithm === 'RS256' ? 'rsa' : 'ec' };
  return await new SignJWT(token.claims)
    .setProtectedHeader({ ...token.header, ...kid, alg: algorithm })
    .setIssuedAt()
    .setExpirationTime(`${token.lifeSeconds}s`)
    .sign(key);
}

const join = (token: string) => stagedoor.post(`/v1/spaces/${space}/join`, token, {});

describe.each(identityProviders.map((one) => [one.name, one] as const))('%s', (_, provider) => {
  it.each(provider.tokens.map((one) => [one.kind, one] as const))('%s', async (__, token) => {
    const answer = await join(await sign(provider, token));
    const { expected } = token;
    if ('refused' in expected) {
      expectProblem(answer, 'unauthenticated');
      expect(answer.body['detail']).toMatch(expected.refused);
      return;
    }
    expect(answer.status === 201 ? answer.body : answer.text).toMatchObject({
      userId: expected.userId,
      role: expected.role,
    });
    const attributes = (answer.body['stage'] as Json)['attributes'] as Json;
    if (expected.role === 'viewer') expect(attributes['name'] ?? '').toBe(expected.name ?? '');
  });

  it('lets nobody in with another key, or without a signature', async () => {
    const good = provider.tokens.find(({ expected }) => 'userId' in expected) as ProviderToken;
    const key = provider.algorithm === 'RS256' ? stranger.privateKey : undefined;
    const signed = await sign(provider, good, key);
    const [header, claims, signature] = signed.split('.') as [string, string, string];
    const other = signature.startsWith('A') ? `B${signature.slice(1)}` : `A${signature.slice(1)}`;
    const none = Buffer.from(JSON.stringify({ alg: 'none' })).toString('base64url');
    for (const forged of [`${header}.${claims}.${other}`, `${none}.${claims}.`, `${none}.${claims}.${signature}`])
      expectProblem(await join(forged), 'unauthenticated');
    if (key) expectProblem(await join(signed), 'unauthenticated');
  });
});

it('no provider is refused an opaque token in other words than that it is no JWT', async () => {
  // Cognito encrypts its refresh tokens (five parts); those of the others are no JWTs at all.
  expectProblem(await join('eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.AAAA.BBBB.CCCC.DDDD'), 'unauthenticated');
  expectProblem(await join('v1.MRrtVQ9gfhS3Rk5yWx'), 'unauthenticated');
});
