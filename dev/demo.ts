/** The demo tenant and the tokens of its local issuer. Everything is made through the HTTP API, as an operator does it. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

import type { DataDir } from './data-dir.ts';
import { type Ivs, isStageGone } from './ivs.ts';
import { type Issuer, LOCAL_ISSUER_KEY, localIssuer, newIssuerKey } from './local-issuer.ts';
import { UserError } from './user-error.mjs';

/** What the next start needs of the demo. */
interface SavedDemo {
  /** Name of the IVS that has its stage and its room. */
  ivs: string;
  tenantId: string;
  apiKey: string;
  spaceId: string;
}

export interface Demo {
  apiKey: string;
  spaceId: string;
  /** JWTs of the local issuer, by user id. */
  tokens: { alice: string; bob: string };
}

/** How long the JWTs that `npm start` prints are good: somebody pastes them all day long. */
const PRINTED_SECONDS = 12 * 3600;

/** Prepares the demo tenant. What an earlier start made is used again while it works. */
export async function prepareDemo(api: Api, data: DataDir, ivs: Ivs): Promise<Demo> {
  const file = data.path('demo.json');
  const issuer = localIssuer(data.secret(LOCAL_ISSUER_KEY, newIssuerKey));
  let saved = readSaved(file);
  if (!saved || !(await works(api, saved))) {
    const tenantId = await demoTenant(api);
    const { key } = await api.call<{ key: string }>('POST', `/v1/tenants/${tenantId}/api-keys`, {
      name: 'npm start',
      scopes: ['*'],
    });
    saved = { ivs: ivs.name, tenantId, apiKey: key, spaceId: '' };
    save(file, saved); // If the rest fails, the next start uses this key again.
  }
  const admin = api.as(saved.apiKey);
  await registerIssuer(admin, issuer);
  if (saved.ivs !== ivs.name || !(await hasSpace(admin, saved.spaceId, ivs))) {
    const space = { name: 'Demo', stage: true, room: true, defaultRole: 'viewer' };
    const { id } = await admin.call<{ id: string }>('POST', '/v1/spaces', space);
    saved = { ...saved, ivs: ivs.name, spaceId: id };
    save(file, saved);
  }
  await admin.call('PUT', `/v1/spaces/${saved.spaceId}/members/alice`, { role: 'host' });
  const demo = {
    apiKey: saved.apiKey,
    spaceId: saved.spaceId,
    tokens: { alice: issuer.sign('alice', 'Alice', PRINTED_SECONDS), bob: issuer.sign('bob', 'Bob', PRINTED_SECONDS) },
  };
  writeFileSync(data.path('demo.env'), shellVariables(api, demo, ivs), { mode: 0o600 });
  return demo;
}

/** Shell variables for the examples of the README. */
function shellVariables(api: Api, { apiKey, spaceId, tokens }: Demo, ivs: Ivs): string {
  const variables = {
    STAGEDOOR: api.address,
    OPERATOR: api.credential,
    KEY: apiKey,
    SPACE: spaceId,
    ALICE: tokens.alice,
    BOB: tokens.bob,
    ...(ivs.name === 'emulator' && { EMULATOR: ivs.env['IVS_ENDPOINT'] }),
  };
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value}'\n`)
    .join('');
}

function readSaved(file: string): SavedDemo | undefined {
  try {
    return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as SavedDemo) : undefined;
  } catch {
    return undefined; // A crash cut the file short. The demo is made again.
  }
}

function save(file: string, saved: SavedDemo): void {
  writeFileSync(file, `${JSON.stringify(saved, null, 2)}\n`, { mode: 0o600 });
}

async function works(api: Api, saved: SavedDemo): Promise<boolean> {
  return (await api.as(saved.apiKey).send('GET', '/v1/spaces?limit=1')).status === 200;
}

async function hasSpace(admin: Api, id: string, ivs: Ivs): Promise<boolean> {
  if (!id) return false;
  const { status, body } = await admin.send('GET', `/v1/spaces/${id}`);
  if (status !== 200) return false;
  const space = body as { status: string; stage: { arn: string } | null };
  return space.status === 'open' && space.stage !== null && !(await isStageGone(space.stage.arn, ivs));
}

/** Id of the tenant with the slug `demo`. A start with another DATA_DIR may have made it in the same database. */
async function demoTenant(api: Api): Promise<string> {
  const { status, body } = await api.send('POST', '/v1/tenants', { slug: 'demo', name: 'Demo' });
  if (status === 201) return (body as { id: string }).id;
  if (status !== 409) throw refused('POST', '/v1/tenants', status, body);
  for (let cursor = ''; ;) {
    const page = await api.call<Page<{ id: string; slug: string }>>('GET', `/v1/tenants?limit=100${cursor}`);
    const found = page.data.find(({ slug }) => slug === 'demo');
    if (found) return found.id;
    if (!page.nextCursor) throw new UserError('The slug demo is taken, but no tenant has it.');
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
}

interface Page<T> {
  data: T[];
  nextCursor: string | null;
}

async function registerIssuer(admin: Api, { name, audience, jwk }: Issuer): Promise<void> {
  const path = '/v1/issuers';
  const sent = { issuer: name, audience, jwks: { keys: [jwk] }, algorithms: ['ES256'] };
  const { status, body } = await admin.send('POST', path, sent);
  // 409: an earlier start registered it, with the same key.
  if (status !== 201 && status !== 409) throw refused('POST', path, status, body);
}

/** A client of the API with one credential. */
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
