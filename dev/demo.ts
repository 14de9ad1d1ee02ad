/** The demo tenant, made through the HTTP API as an operator would, and the tokens of its local issuer. */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, type JsonWebKey } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import { JwtService } from '@nestjs/jwt';

import type { DataDir } from './data-dir.ts';
import { type Ivs, isStageGone } from './ivs.ts';
import { UserError } from './user-error.mjs';

/** What of the demo is kept from start to start. */
interface Kept {
  /** Where its stage and room are: those of the emulator mean nothing to AWS. */
  ivs: string;
  tenantId: string;
  apiKey: string;
  spaceId: string;
}

export interface Demo {
  apiKey: string;
  spaceId: string;
  /** JWTs of the local issuer, by user. */
  tokens: { alice: string; bob: string };
}

const AUDIENCE = 'stagedoor-demo';
const TOKEN_HOURS = 12;

/** Prepares the demo tenant, keeping what an earlier start made as long as it still works. */
export async function prepareDemo(api: Api, data: DataDir, ivs: Ivs): Promise<Demo> {
  const file = data.path('demo.json');
  const issuer = localIssuer(data);
  let kept = readKept(file);
  if (!kept || !(await works(api, kept))) {
    const tenantId = await demoTenant(api);
    const { key } = await api.call<{ key: string }>('POST', `/v1/tenants/${tenantId}/api-keys`, {
      name: 'npm start',
      scopes: ['*'],
    });
    kept = { ivs: ivs.name, tenantId, apiKey: key, spaceId: '' };
    keep(file, kept); // should the rest fail, the next start does not make another key
  }
  const admin = api.as(kept.apiKey);
  await registerIssuer(admin, issuer);
  if (kept.ivs !== ivs.name || !(await hasSpace(admin, kept.spaceId, ivs))) {
    const space = { name: 'Demo', stage: true, room: true, defaultRole: 'viewer' };
    const { id } = await admin.call<{ id: string }>('POST', '/v1/spaces', space);
    kept = { ...kept, ivs: ivs.name, spaceId: id };
    keep(file, kept);
  }
  await admin.call('PUT', `/v1/spaces/${kept.spaceId}/members/alice`, { role: 'host' });
  const demo = {
    apiKey: kept.apiKey,
    spaceId: kept.spaceId,
    tokens: { alice: issuer.sign('alice', 'Alice'), bob: issuer.sign('bob', 'Bob') },
  };
  writeFileSync(data.path('demo.env'), shellVariables(api, demo), { mode: 0o600 });
  return demo;
}

/** The demo for a shell to read, so that examples can be pasted as they stand. */
function shellVariables(api: Api, { apiKey, spaceId, tokens }: Demo): string {
  const variables = {
    STAGEDOOR: api.address,
    OPERATOR: api.credential,
    KEY: apiKey,
    SPACE: spaceId,
    ALICE: tokens.alice,
    BOB: tokens.bob,
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('');
}

function readKept(file: string): Kept | undefined {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Kept) : undefined;
  } catch {
    return undefined; // cut short by a crash: it is made anew
  }
}

function keep(file: string, kept: Kept): void {
  writeFileSync(file, `${JSON.stringify(kept, null, 2)}\n`, { mode: 0o600 });
}

async function works(api: Api, kept: Kept): Promise<boolean> {
  return (await api.as(kept.apiKey).send('GET', '/v1/spaces?limit=1')).status === 200;
}

async function hasSpace(admin: Api, id: string, ivs: Ivs): Promise<boolean> {
  if (!id) return false;
  const { status, body } = await admin.send('GET', `/v1/spaces/${id}`);
  if (status !== 200) return false;
  const space = body as { status: string; stage: { arn: string } | null };
  return space.status === 'open' && space.stage !== null && !(await isStageGone(space.stage.arn, ivs));
}

/** The tenant with the slug `demo`; another DATA_DIR may have made it in the same database. */
async function demoTenant(api: Api): Promise<string> {
  const { status, body } = await api.send('POST', '/v1/tenants', { slug: 'demo', name: 'Demo' });
  if (status === 201) return (body as { id: string }).id;
  if (status !== 409) throw refused('POST', '/v1/tenants', status, body);
  for (let cursor = ''; ;) {
    const page = await api.call<Page<{ id: string; slug: string }>>('GET', `/v1/tenants?limit=100${cursor}`);
    const found = page.data.find(({ slug }) => slug === 'demo');
    if (found) return found.id;
    if (!page.nextCursor) throw new UserError('There is no tenant with the slug demo, and yet the slug is taken.');
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

interface Issuer {
  name: string;
  jwk: JsonWebKey;
  sign(userId: string, name: string): string;
}

/** An issuer of JWTs whose key is kept in DATA_DIR, and whose name follows from its key: a new key is a new issuer. */
function localIssuer(data: DataDir): Issuer {
  const pem = data.secret('local-issuer-key.pem', () =>
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  );
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const kid = createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex')
    .slice(0, 16);
  const name = `https://local-issuer.invalid/${kid}`;
  const jwt = new JwtService({ privateKey: pem, signOptions: { algorithm: 'ES256', keyid: kid } });
  return {
    name,
    jwk: { ...publicKey.export({ format: 'jwk' }), kid, alg: 'ES256', use: 'sig' },
    sign: (userId, displayName) =>
      jwt.sign(
        { name: displayName },
        { subject: userId, issuer: name, audience: AUDIENCE, expiresIn: `${TOKEN_HOURS}h` },
      ),
  };
}

async function registerIssuer(admin: Api, { name, jwk }: Issuer): Promise<void> {
  const path = '/v1/issuers';
  const sent = { issuer: name, audience: AUDIENCE, jwks: { keys: [jwk] }, algorithms: ['ES256'] };
  const { status, body } = await admin.send('POST', path, sent);
  // 409: an earlier start registered it. Its name holds a hash of the key, so the key is the same.
  if (status !== 201 && status !== 409) throw refused('POST', path, status, body);
}

/** A caller of the API with one credential. */
export class Api {
  readonly address: string;
  readonly credential: string;

  constructor(address: string, credential: string) {
    this.address = address;
    this.credential = credential;
  }

  as(credential: string): Api {
    return new Api(this.address, credential);
  }

  async send(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }> {
    const response = await fetch(this.address + path, {
      method,
      headers: {
        authorization: `Bearer ${this.credential}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: AbortSignal.timeout(30_000),
    });
    const text = await response.text();
    return { status: response.status, body: text ? (JSON.parse(text) as unknown) : undefined };
  }

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.send(method, path, body);
    if (answer.status >= 300) throw refused(method, path, answer.status, answer.body);
    return answer.body as T;
  }
}

function refused(method: string, path: string, status: number, body: unknown): UserError {
  const { detail, code } = (body ?? {}) as { detail?: string; code?: string };
  return new UserError(`${method} ${path} was answered with ${status} ${code ?? ''}: ${detail ?? 'no detail'}`);
}
