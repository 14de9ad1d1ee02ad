import { createPrivateKey, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { SignJWT } from 'jose';
import { Emulator } from '../../emulator/src/emulator.ts';
import { Settings } from '../../src/config.ts';
import { Secrets } from '../../src/secrets/secrets.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { TestBrowser, TestOidcProvider } from '../support/oidc-provider.ts';
import { sendRaw } from '../support/raw-http.ts';
import { freePort, ServiceProcess } from '../support/service-process.ts';
import { type Answer, HttpClient, type Json, type RequestOptions, Stagedoor } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const runTypescript = pathToFileURL(path.resolve(import.meta.dirname, '../../dev/run-typescript.mjs')).href;

/** Keeps every answer there was. */
class Recorder extends HttpClient {
  readonly answers: { method: string; path: string; answer: Answer }[] = [];

  override async request(method: string, url: string, options?: RequestOptions): Promise<Answer> {
    const answer = await super.request(method, url, options);
    this.answers.push({ method, path: url.split('?')[0] ?? '', answer });
    return answer;
  }
}

/** Every secret that came up, by what it is. */
const secrets = new Map<string, string>();
/** What the service sent to its trace collector. */
let traces = '';
let ivs: Emulator;
let database: TestDatabase;
let service: ServiceProcess;
let collector: http.Server;
let client: Recorder;
let env: Record<string, string>;
/** Where the service keeps its journal, and where the archive of the audit log goes. */
const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-secrets-'));
const urlOf = (name: string) => pathToFileURL(path.join(folder, name)).href;

function keep(what: string, secret: unknown): string {
  if (typeof secret !== 'string' || secret.length < 16) throw new Error(`${what} is no secret`);
  secrets.set(what, secret);
  return secret;
}

beforeAll(async () => {
  const secretAccessKey = keep('AWS secret access key', randomBytes(30).toString('base64'));
  ivs = await Emulator.start({
    port: 0,
    quotas: 'off',
    credentials: [{ accessKeyId: 'AKIATEST', secretAccessKey, account: '111122223333' }],
  });
  database = await createDatabase();
  collector = http.createServer((request, response) => {
    request.setEncoding('latin1').on('data', (text: string) => (traces += text));
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
  const port = await freePort();
  env = Stagedoor.environment(ivs, database, {
    PORT: String(port),
    HOST: '127.0.0.1',
    LOG_LEVEL: 'trace',
    STAGEDOOR_OPERATOR_TOKEN: keep('operator token', randomBytes(32).toString('hex')),
    STAGEDOOR_MASTER_KEY: keep('master key', randomBytes(32).toString('base64')),
    IVS_EVENTS_SECRET: keep('secret of EventBridge', randomBytes(32).toString('hex')),
    JOURNAL_URL: urlOf('journal'),
    AWS_ACCESS_KEY_ID: 'AKIATEST',
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    NODE_OPTIONS: `--import ${runTypescript}`,
  });
  service = ServiceProcess.start('src/main.ts', env);
  client = new Recorder(`http://127.0.0.1:${port}`);
  await service.answers(`${client.url}/health/ready`);
  await liveThroughEverything();
  await until(async () => {
    const [{ left } = {}] = await database.query('select count(*)::int as left from journal_entries');
    return left === 0;
  }, 'the journal has everything');
  service.kill('SIGTERM'); // what is still to be logged and traced is, before it ends
  await service.ended;
});

afterAll(async () => {
  service.kill();
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
  await ivs.stop();
  await database.drop();
  rmSync(folder, { recursive: true });
});

async function liveThroughEverything(): Promise<void> {
  const tenant = await administration();
  const { users, spaceId } = await vending(tenant);
  await webhooksAndConsole(tenant.key);
  await signInWithProvider(tenant.key);
  await failuresOfIvs(tenant.key, spaceId);
  await Promise.all(oneOfEachKind().map((secret) => badInput(secret, tenant.key, spaceId)));
  await refusedCredentials(tenant, users, spaceId);
  await failuresOfPostgres(tenant.key, spaceId);
}

/** Makes a tenant with keys and issuers of every kind. */
async function administration(): Promise<Json & { key: string }> {
  const operator = env['STAGEDOOR_OPERATOR_TOKEN'] ?? '';
  const post = async (url: string, as: string, body?: Json) => await client.expect(201, client.post(url, as, body));
  const tenant = await post('/v1/tenants', operator, { slug: 'acme', name: 'Acme' });
  const first = await post(`/v1/tenants/${tenant['id']}/api-keys`, operator, { name: 'first', scopes: ['*'] });
  const key = keep('first API key', first['key']);
  const headers = { 'idempotency-key': 'second-key' };
  const second = { as: key, body: { name: 'second', scopes: ['spaces:read', 'keys:write'] }, headers };
  const made = await client.expect(201, client.request('POST', '/v1/api-keys', second));
  keep('second API key', made['key']);
  await client.expect(409, client.request('POST', '/v1/api-keys', second));
  const rotated = await post(`/v1/api-keys/${made['id']}/rotate`, key, { graceSeconds: 600 });
  keep('rotated API key', rotated['key']);
  const secret = keep('shared secret of the issuer', randomBytes(40).toString('base64url'));
  await post('/v1/issuers', key, { issuer: 'https://shared.example', audience: 'a', secret, claims: { role: 'role' } });
  return { ...tenant, key, secret };
}

/** Lets people in with tokens of both mints, and acts on them. */
async function vending(tenant: Json): Promise<{ users: string[]; spaceId: string }> {
  const key = tenant['key'] as string;
  const space = await client.expect(201, client.post('/v1/spaces', key, { name: 'Main', defaultRole: 'viewer' }));
  const spaceId = space['id'] as string;
  const users: string[] = [];
  for (const mint of ['ivs', 'key-pair']) {
    if (mint === 'key-pair') await client.expect(201, client.post('/v1/signing-keys', key));
    const user = keep(`JWT before ${mint}`, await jwt(tenant['secret'], `user-${mint}`));
    users.push(user);
    for (const [as, body] of [
      [user, {}],
      [key, { userId: `user-of-key-${mint}` }],
    ] as const) {
      const idempotent = { as, body, headers: { 'idempotency-key': `join-${mint}` } };
      for (const path_ of ['join', 'join', 'stage-tokens', 'chat-tokens']) {
        const answer = await client.expect(201, client.request('POST', `/v1/spaces/${spaceId}/${path_}`, idempotent));
        const who = `${path_} ${mint} ${answer['userId'] ?? ''} ${secrets.size}`;
        const halves = path_ === 'join' ? [answer['stage'], answer['chat']] : [answer];
        for (const [n, half] of halves.entries()) keep(`token ${n} of ${who}`, half.token);
        if (path_ === 'join') expect(answer['stage'].mint).toBe(mint);
      }
    }
  }
  await client.expect(201, client.post('/v1/bans', key, { userId: 'user-ivs', reason: 'spam' }));
  await client.post(`/v1/users/user-key-pair/revoke`, key);
  for (const list of ['grants', 'audit', 'actions', 'bans', 'spaces', 'signing-keys', 'api-keys', 'issuers']) {
    await client.expect(200, client.get(`/v1/${list}?limit=100`, key));
  }
  await client.get('/metrics');
  return { users, spaceId };
}

/** Makes an endpoint, signs in to the console, and takes an event of IVS. */
async function webhooksAndConsole(key: string): Promise<void> {
  const hook = await client.expect(201, client.post('/v1/webhooks', key, { url: 'http://127.0.0.1:9/' }));
  keep('webhook secret', hook['secret']);
  const { body: rotated } = await client.post(`/v1/webhooks/${hook['id']}/rotate`, key, { graceSeconds: 600 });
  keep('rotated webhook secret', rotated['secret']);
  await client.expect(200, client.get('/v1/webhooks', key));

  const signedIn = await client.request('POST', '/console/session', { body: { credential: key } });
  const [cookie = ''] = signedIn.headers.get('set-cookie')?.split(';') ?? [];
  keep('token of a session', cookie.split('=')[1]);
  const headers = { cookie, origin: client.url };
  const session = await client.expect(200, client.request('GET', '/console/session', { headers }));
  const csrf = { 'x-stagedoor-csrf': keep('CSRF token', session['csrfToken']) };
  await client.request('POST', '/v1/spaces', { headers: { ...headers, ...csrf }, body: { name: 1 } });
  await client.request('POST', '/v1/spaces', { headers: { ...headers, 'x-stagedoor-csrf': 'none' }, body: {} });
  await client.request('GET', `/v1/spaces?limit=${encodeURIComponent(cookie)}`, { headers });

  const sent = { 'x-stagedoor-ingest-secret': env['IVS_EVENTS_SECRET'] ?? '' };
  await client.request('POST', '/ingest/ivs-events', { headers: sent, body: { id: 1 } });
  await client.request('POST', '/ingest/ivs-events', { headers: { 'x-stagedoor-ingest-secret': 'wrong' }, body: {} });
  await client.request('GET', '/v1/spaces', { headers: { ...sent, 'x-request-id': env['IVS_EVENTS_SECRET'] ?? '' } });
}

/** Lets a person sign in to the console with an identity provider, and fail to. */
async function signInWithProvider(key: string): Promise<void> {
  const provider = await TestOidcProvider.start();
  try {
    const clientSecret = keep('secret of the client at the provider', randomBytes(40).toString('base64url'));
    const clientId = 'stagedoor-console';
    provider.register([{ clientId, clientSecret, redirectUri: `${client.url}/console/sign-in/callback` }]);
    const body = { name: 'Staff', issuer: provider.issuer, clientId, clientSecret };
    const { id } = await client.expect(201, client.post('/v1/console-issuers', key, body));
    await client.post('/v1/console-issuers', key, body);
    await client.post('/v1/console-issuers', key, { ...body, scopes: [clientSecret] });
    await client.expect(200, client.get('/v1/console-issuers', key));
    const person = { as: key, body: { issuerId: id, role: 'viewer' } };
    await client.expect(200, client.request('PUT', '/v1/console-users/ann', person));
    for (const tamper of [undefined, (claims: Json) => ({ ...claims, nonce: 'another' })]) {
      provider.tamper = tamper;
      const browser = new TestBrowser();
      const start = `${client.url}/console/sign-in?tenant=acme&issuer=${id}`;
      const callback = await browser.follow(start, `${client.url}/console/sign-in/callback`);
      const what = tamper ? 'that fails' : 'that succeeds';
      for (const name of ['code', 'state'])
        keep(`${name} of a sign-in ${what}`, new URL(callback).searchParams.get(name));
      const jar = browser.jarOf(client.url);
      keep(`cookie of a sign-in ${what}`, jar.get('__Host-stagedoor-sign-in'));
      await browser.get(callback);
      if (!tamper) keep('token of a person’s session', jar.get('__Host-stagedoor'));
      await browser.get(`${callback}&limit=1`);
    }
    for (const [n, token] of provider.given.entries()) keep(`token ${n} of the provider`, token);
    expect(provider.given.length).toBeGreaterThan(3);
  } finally {
    await provider.stop();
  }
}

async function jwt(secret: string, userId: string, expires = '1h'): Promise<string> {
  return await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer('https://shared.example')
    .setAudience('a')
    .setSubject(userId)
    .setIssuedAt()
    .setExpirationTime(expires)
    .sign(Buffer.from(secret));
}

async function failuresOfIvs(key: string, spaceId: string): Promise<void> {
  const ways = [
    { error: 'InternalServerException' },
    { error: 'ValidationException', message: 'no' },
    { throttle: true },
    { empty: true },
    { reset: 'after' as const },
    { delayMs: 2_700 },
  ];
  for (const effect of ways) {
    for (const operation of ['CreateParticipantToken', 'CreateChatToken', 'ImportPublicKey', 'CreateStage']) {
      ivs.fault({ operation, effect });
    }
    const answers = await Promise.all([
      client.post(`/v1/spaces/${spaceId}/join`, key, { userId: 'unlucky' }),
      client.post(`/v1/spaces/${spaceId}/chat-tokens`, key, { userId: 'unlucky' }),
      client.post('/v1/signing-keys/rotate', key),
      client.post('/v1/spaces', key, { name: 'never' }),
    ]);
    for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
    ivs.clearFaults();
  }
}

function oneOfEachKind(): string[] {
  const kinds = [
    'operator token',
    'master key',
    'first API key',
    'shared secret of the issuer',
    'JWT before ivs',
    'token 0 of join ivs',
    'token 1 of join ivs',
    'token 0 of join key-pair',
  ];
  return kinds.map((kind) => [...secrets].find(([what]) => what.startsWith(kind))?.[1] ?? kind);
}

/** Requests that hold a secret where none belongs. */
async function badInput(secret: string, key: string, spaceId: string): Promise<void> {
  const inUrl = encodeURIComponent(secret);
  const requests: [string, string, RequestOptions][] = [
    ['POST', '/v1/spaces', { body: secret }],
    ['POST', '/v1/spaces', { body: `{"name":${secret}}` }],
    ['POST', '/v1/spaces', { body: `{"name":"x","metadata":{"${secret}"` }],
    ['POST', '/v1/spaces', { body: { name: 'x', [secret]: 1 } }],
    ['POST', '/v1/spaces', { body: { name: { token: secret } } }],
    ['POST', '/v1/spaces', { body: { name: 'x', defaultRole: secret } }],
    ['POST', '/v1/spaces', { body: { name: 'x', stage: { arn: secret } } }],
    ['POST', `/v1/spaces/${spaceId}/join`, { body: { userId: 'u', role: secret } }],
    ['POST', `/v1/spaces/${spaceId}/join`, { body: { userId: 'u'.repeat(129) + secret } }],
    ['POST', '/v1/issuers', { body: { issuer: 'https://x', audience: 'a', secret, jwks: { keys: [] } } }],
    ['POST', '/v1/api-keys', { body: { name: 'x', scopes: [secret] } }],
    ['GET', `/v1/spaces?cursor=${inUrl}`, {}],
    ['GET', `/v1/spaces?limit=${inUrl}`, {}],
    ['GET', `/v1/spaces?${inUrl}=1`, {}],
    ['GET', `/v1/spaces?access_token=${inUrl}`, {}],
    ['GET', `/v1/spaces/${inUrl}`, {}],
    ['GET', `/v1/${inUrl}`, {}],
    ['GET', `/v1/%zz${inUrl}`, {}],
    ['POST', '/v1/spaces', { body: { name: 1 }, headers: { 'idempotency-key': `a b ${secret}` } }],
    ['POST', '/v1/spaces', { body: '{}', headers: { 'content-type': secret } }],
    ...(/^sk_|\..+\.|^[0-9a-f]{64}$/.test(secret)
      ? [['GET', '/v1/spaces', { headers: { 'x-request-id': secret } }] as [string, string, RequestOptions]]
      : []),
    [
      'GET',
      '/v1/spaces',
      { headers: { cookie: `token=${secret}`, 'x-api-key': secret, referer: `http://x/${secret}` } },
    ],
  ];
  for (const [method, url, options] of requests) await client.request(method, url, { as: key, ...options });
}

async function refusedCredentials(tenant: Json, users: string[], spaceId: string): Promise<void> {
  const key = tenant['key'] as string;
  const cut = key.slice(0, -3);
  const refused = [
    keep('JWT that has expired', await jwt(tenant['secret'], 'late', '-1h')),
    keep('JWT of another secret', await jwt(randomBytes(40).toString('base64url'), 'liar')),
    ...users, // one is banned
    cut,
    `x${key}`,
  ];
  for (const as of refused) await client.post(`/v1/spaces/${spaceId}/join`, as, {});
  for (const authorization of [`Basic ${key}`, `Token ${key}`, key, `Bearer ${key} ${key}`, `Bearer "${key}"`]) {
    await client.request('GET', '/v1/spaces', { headers: { authorization } });
  }
  const raw = [
    `GET /v1/spaces/${key} HTTP/9.9\r\n\r\n`,
    `${key} / HTTP/1.1\r\nhost: x\r\n\r\n`,
    `GET /v1/spaces HTTP/1.1\r\nhost: x\r\nauthorization : Bearer ${key}\r\n\r\n`,
    `GET http://${key}@x/v1/spaces HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
  ];
  for (const request of raw) {
    const { status, text, headers } = await sendRaw(client.url, request);
    client.answers.push({ method: 'RAW', path: request, answer: { status, text, headers, body: {} } });
  }
}

/** Takes tables away, so that statements fail with what they hold. */
async function failuresOfPostgres(key: string, spaceId: string): Promise<void> {
  for (const table of ['signing_keys', 'issuers', 'idempotency_keys', 'grants', 'api_keys']) {
    await database.query(`alter table ${table} rename to away`);
    const headers = { 'idempotency-key': `without-${table}` };
    const secret = keep(`shared secret without ${table}`, randomBytes(40).toString('base64url'));
    const answers = await Promise.all([
      client.post(`/v1/spaces/${spaceId}/join`, key, { userId: 'unlucky' }),
      client.post('/v1/signing-keys/rotate', key),
      client.post('/v1/issuers', key, { issuer: 'https://more.example', audience: table, secret }),
      client.request('POST', '/v1/api-keys', { as: key, body: { name: 'x', scopes: ['*'] }, headers }),
    ]);
    for (const { body } of answers) if (body['key'] !== undefined) keep(`API key without ${table}`, body['key']);
    expect(answers.map(({ status }) => status)).toContain(500);
    await database.query(`alter table away rename to ${table}`);
  }
}

/** Pieces of a secret that are its own: where a part of it gets out, one of these does. */
function piecesOf(secret: string): string[] {
  const own = secret.slice(-32);
  return Array.from({ length: own.length - 11 }, (_, n) => own.slice(n, n + 12));
}

/** Which secrets are in a text, as they are or as other text for the same bytes. */
function found(text: string): string[] {
  const flat = text
    .replaceAll('\\/', '/')
    .replaceAll(/%2[Bb]/g, '+')
    .replaceAll(/%2[Ff]/g, '/');
  return [...secrets].flatMap(([what, secret]) => {
    const hex = Buffer.from(secret).toString('hex');
    const base64 = Buffer.from(secret).toString('base64').slice(0, 40);
    const shown = [hex, base64, ...piecesOf(secret)].find((piece) => flat.includes(piece));
    return shown === undefined
      ? []
      : [`${what}: …${flat.slice(Math.max(0, flat.indexOf(shown) - 150), flat.indexOf(shown) + 30)}`];
  });
}

it('the scenario issued secrets of every kind, and what is looked for can be found', () => {
  expect(secrets.size).toBeGreaterThan(40);
  for (const [what, secret] of secrets)
    expect(found(`x${secret.slice(-15)}x`)).toContainEqual(expect.stringContaining(what));
  const codes = new Set(client.answers.map(({ answer }) => answer.status));
  expect([...codes]).toEqual(expect.arrayContaining([200, 201, 400, 401, 403, 404, 415, 500, 502, 503]));
});

it('no log line holds a secret, at the finest level', () => {
  expect(service.output).toContain('"level":50');
  expect(service.output).toContain('"route":"/v1/spaces/:spaceId/join"');
  expect(found(service.output)).toEqual([]);
});

it('no trace holds a secret', async () => {
  await until(() => traces.includes('CreateChatToken'), 'traces arrive');
  expect(found(traces)).toEqual([]);
});

it('no answer holds a secret but the one that hands it out', () => {
  const handsOut = /\/(join|stage-tokens|chat-tokens|api-keys|webhooks|rotate)$/;
  const handsOutSession = (method: string, url: string) => url === '/console/session' && method !== 'DELETE';
  for (const { method, path: url, answer } of client.answers) {
    if (answer.status < 300 && method === 'POST' && handsOut.test(url)) continue;
    if (answer.status < 300 && handsOutSession(method, url)) continue;
    const headers = JSON.stringify([...answer.headers]);
    const told = { method, url, status: answer.status };
    expect({ ...told, found: found(answer.text + headers) }).toEqual({ ...told, found: [] });
  }
});

it('no column of the database holds a secret in clear', async () => {
  const tables = await database.query(
    `select table_name as name from information_schema.tables
      where table_schema not in ('pg_catalog', 'information_schema')`,
  );
  expect(tables.length).toBeGreaterThan(12);
  const dumps = tables.map(async ({ name }) => {
    const rows = await database.query(`select * from "${String(name)}"`);
    const text = rows.flatMap((row) => Object.values(row).flatMap(asText)).join('\n');
    expect({ table: name, found: found(text) }).toEqual({ table: name, found: [] });
  });
  await Promise.all(dumps);
});

it('neither the journal nor the archive of the audit log holds a secret', async () => {
  const archiving = ServiceProcess.start('src/audit/export.ts', env, ['--to', urlOf('audit')]);
  expect({ code: await archiving.ended, output: archiving.output }).toMatchObject({ code: 0 });
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
  const texts = files.map((file) => readFileSync(path.join(file.parentPath, file.name), 'utf8'));
  // Each has what was done: a ban is in both.
  expect(texts.filter((text) => text.includes('ban.create')).length).toBeGreaterThanOrEqual(2);
  expect(found(texts.join('\n'))).toEqual([]);
});

it('the private half of a signing key is kept only encrypted, and is nowhere in the log', async () => {
  const [row] = await database.query(`select * from signing_keys where state = 'active'`);
  const owner = { tenantId: String(row?.['tenant_id']), column: 'signing_keys.private_key', id: String(row?.['id']) };
  const der = await new Secrets(Settings.from(env)).open(row?.['private_key'] as Buffer, owner);
  const jwk = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
  const scalar = Buffer.from(jwk.d ?? '', 'base64url');
  expect(der.includes(scalar)).toBe(true);
  const keys = await database.query('select * from signing_keys');
  const kept = keys.flatMap((key) => Object.values(key).flatMap(asText)).join('\n');
  for (const form of ['latin1', 'hex', 'base64', 'base64url'] as const) {
    expect(kept + service.output).not.toContain(scalar.toString(form));
  }
});

/** A value of a column, as all the text it could be read as. */
function asText(value: unknown): string[] {
  if (!Buffer.isBuffer(value)) return [typeof value === 'string' ? value : JSON.stringify(value)];
  return [value.toString('latin1'), value.toString('hex'), value.toString('base64')];
}
