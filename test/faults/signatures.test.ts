/** Which OpenSSL signs: the one of Node, or the FIPS provider of Debian 13. The service does the same with both. */
import { execFileSync } from 'node:child_process';
import { createSecretKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { SignJWT } from 'jose';
import { algorithms, needsSecret } from '../../src/issuers/algorithms.ts';
import { Cluster, type Service } from '../support/cluster.ts';
import { type Json, type TestTenant } from '../support/stagedoor.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-openssl-'));
const module = [
  path.join(process.env['OPENSSL_MODULES'] ?? '', 'fips.so'),
  ...globSync('/usr/lib/*-linux-gnu/ossl-modules/fips.so'),
].find((file) => path.isAbsolute(file) && existsSync(file));

const secret = randomBytes(64);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pairs: Record<string, { publicKey: KeyObject; privateKey: KeyObject }> = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: generateKeyPairSync('ed25519'),
  ...Object.fromEntries(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'].map((name) => [name, rsa])),
};
pairs['Ed25519'] = pairs['EdDSA'] as (typeof pairs)[string];

let cluster: Cluster;
let tenant: TestTenant;
let spaceId: string;
let signingKey: Json;

beforeAll(async () => {
  cluster = await Cluster.start(1);
  const service = cluster.at(0);
  tenant = await service.createTenant();
  ({ id: spaceId } = (await service.createSpace(tenant)) as { id: string });
  const keys = Object.entries(pairs).map(([alg, { publicKey }]) => ({
    ...publicKey.export({ format: 'jwk' }),
    kid: alg,
    alg,
  }));
  const issuer = { issuer: 'https://keys.example', audience: 'stagedoor', jwks: { keys } };
  await service.expect(201, service.post('/v1/issuers', tenant.key, issuer));
  const shared = {
    issuer: 'https://secret.example',
    audience: 'stagedoor',
    algorithms: algorithms.filter(needsSecret),
    secret: secret.toString('base64'),
    secretEncoding: 'base64',
  };
  await service.expect(201, service.post('/v1/issuers', tenant.key, shared));
  signingKey = await service.expect(201, service.post('/v1/signing-keys', tenant.key));
});

afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
});

/** The environment that docs/operations.md tells to make. */
function provider(file: string): Record<string, string> {
  execFileSync('sh', ['docker/openssl-provider.sh', folder, file]);
  return { OPENSSL_CONF: path.join(folder, 'openssl.cnf'), OPENSSL_MODULES: folder };
}

async function signaturesOf(service: Service): Promise<{ openssl: string | undefined; rate: number }> {
  const [, openssl, rate] =
    /stagedoor_signatures_per_second\{openssl="(\w+)"\} (\d+)/.exec((await service.get('/metrics')).text) ?? [];
  return { openssl, rate: Number(rate) };
}

/** A JWT of each algorithm opens the space, and a stage token comes out that IVS accepts. */
async function vendsWithEachAlgorithm(service: Service): Promise<void> {
  for (const alg of algorithms) {
    const key = needsSecret(alg) ? createSecretKey(secret) : (pairs[alg] as { privateKey: KeyObject }).privateKey;
    const jwt = await new SignJWT()
      .setProtectedHeader({ alg, ...(!needsSecret(alg) && { kid: alg }) })
      .setIssuer(needsSecret(alg) ? 'https://secret.example' : 'https://keys.example')
      .setAudience('stagedoor')
      .setSubject(alg)
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(key);
    const vend = (token: string) => service.post(`/v1/spaces/${spaceId}/stage-tokens`, token, {});
    const stage = await service.expect(201, vend(jwt));
    expect(stage['mint']).toBe('key-pair');
    expect(cluster.ivs.join(stage['token'])).toMatchObject({ userId: alg });
    const forged = jwt.slice(0, -6) + (jwt.endsWith('AAAAAA') ? 'BBBBBB' : 'AAAAAA');
    expect((await vend(forged)).status).toBe(401);
  }
}

it('the OpenSSL of Node signs, and the metric tells its rate', async () => {
  const service = cluster.at(0);
  const { openssl, rate } = await signaturesOf(service);
  expect(['node', 'system']).toContain(openssl);
  expect(rate).toBeGreaterThan(0);
  await vendsWithEachAlgorithm(service);
});

it('if the provider is missing or wrong, the service signs all the same, and the log and the metric tell', async () => {
  const OPENSSL_CONF = path.join(folder, 'wrong.cnf');
  writeFileSync(OPENSSL_CONF, `${readFileSync('docker/openssl.cnf', 'utf8')}[fips_sect]\nactivate = 1\n`);
  const service = await cluster.add({ OPENSSL_CONF, OPENSSL_MODULES: path.join(folder, 'nowhere'), LOG_LEVEL: 'warn' });
  expect(['node', 'system']).toContain((await signaturesOf(service)).openssl);
  expect(service.logged).toMatch(/OPENSSL_MODULES is set.*operations\.md/);
  await vendsWithEachAlgorithm(service);
});

// The FIPS provider does not know this curve. Node 24 aborts if it imports such a key then.
const unknownCurve = {
  kty: 'EC',
  crv: 'secp256k1',
  x: 'WNwrBwnZ5XkJJEN-S4HLR3gvO3ALbI89LJS2EtZAo3o',
  y: 'wwGsnPl1KsgruAo0I7fBUFA9IqTY8ikIVPXMwguSnms',
};

const withProvider = 'with the provider of Debian 13, all is as with the OpenSSL of Node';
if (module === undefined) test.todo(`${withProvider}: this machine has no such provider`);
else
  it(withProvider, async () => {
    const service = await cluster.add({ ...provider(module), LOG_LEVEL: 'info' });
    expect((await signaturesOf(service)).openssl).toBe('provider');
    expect(service.logged).toContain('"openssl":"provider"');
    // The key of the first test was made and encrypted by the other OpenSSL.
    await vendsWithEachAlgorithm(service);
    const rotated = await service.expect(201, service.post('/v1/signing-keys/rotate', tenant.key));
    expect(rotated['arn']).not.toBe(signingKey['arn']);
    await vendsWithEachAlgorithm(service);
    await vendsWithEachAlgorithm(cluster.at(0));
    const issuer = { issuer: 'https://odd.example', audience: 'stagedoor', jwks: { keys: [unknownCurve] } };
    expect((await service.post('/v1/issuers', tenant.key, issuer)).status).toBe(400);
    expect((await service.get('/health/ready')).status).toBe(200);
  });
