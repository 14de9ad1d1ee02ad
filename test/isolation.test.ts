/**
 * The tenant isolation matrix: every operation of the OpenAPI document, tried by everybody who should not get anywhere,
 * with everything that is not theirs. An operation without a row here fails the test.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { typeid } from 'typeid-js';
import { AuditCheckpoints } from '../src/audit/audit-checkpoints.ts';
import { ReportedEvents } from '../src/sessions/reported-events.ts';
import { hasScope, type Scope, scopes } from '../src/http/access.ts';
import { freeze } from './support/actions.ts';
import { TestSession } from './support/console-session.ts';
import { type Answer, HttpClient, type Json, Stagedoor, type TestTenant } from './support/stagedoor.ts';
import { until } from './support/until.ts';

const document = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json> };
};

const ingestSecret = 'ingest-secret-of-the-tests-0123456789';

/** One tenant with one of everything; each name and id of it can be told from the other tenant's. */
interface World extends TestTenant {
  /** Values for the parameters of paths. */
  ids: Record<string, string>;
}

/** How an operation is called as it is meant to be. */
interface Row {
  body?: Json;
  /** What the body names of the caller's own things. */
  own?: (world: World) => Json;
  /** What an app user leaves out of the body. */
  keyOnly?: string[];
  /** Makes what the request will use up, or what it needs first; answers with the ids that differ for it. */
  prepare?: (world: World, as?: string) => Promise<Record<string, string>>;
  /** The query that the request needs, by the world whose thing it is about. */
  query?: (world: World) => string;
  /** Fields of the body that name something of the tenant's, with a value that is another tenant's. */
  references?: Record<string, (other: World) => unknown>;
}

/** Nobody listens at this port. */
const unreachable = 'http://127.0.0.1:9/';

const role = { stage: { capabilities: ['SUBSCRIBE'] }, chat: { capabilities: [] } };
const vend: Row = {
  body: { userId: 'sam', role: 'viewer', attributes: { a: 'b' } },
  keyOnly: ['userId', 'role', 'attributes'],
};

const rows: Record<string, Row> = {
  'GET /health/live': {},
  'GET /health/ready': {},
  'GET /metrics': {},
  'GET /v1/checks': {},
  'GET /v1/checks/ivs': {},
  'POST /v1/tenants': { body: { slug: 'third', name: 'third' } },
  'GET /v1/tenants': {},
  'GET /v1/tenants/{tenantId}': {},
  'PATCH /v1/tenants/{tenantId}': { body: { name: 'renamed' } },
  'DELETE /v1/tenants/{tenantId}': { prepare: async () => ({ tenantId: await suspendedTenant() }) },
  'GET /v1/tenants/{tenantId}/end': {
    prepare: async () => {
      const tenantId = await suspendedTenant();
      const as = HttpClient.operatorToken;
      await must(202, stagedoor.request('DELETE', `/v1/tenants/${tenantId}`, { as }));
      return { tenantId };
    },
  },
  'GET /v1/tenants/{tenantId}/signing-keys': {},
  'DELETE /v1/tenants/{tenantId}/signing-keys/{signingKeyId}': {
    prepare: async (world) => ({ signingKeyId: (await activeKey(world)) ?? (await makeSigningKey(world)) }),
  },
  'POST /v1/tenants/{tenantId}/api-keys': { body: { name: 'first', scopes: ['*'] } },
  'POST /v1/api-keys': { body: { name: 'more', scopes: ['keys:write'] } },
  'GET /v1/api-keys': {},
  'DELETE /v1/api-keys/{keyId}': { prepare: async (world) => ({ keyId: (await makeKey(world, ['keys:write'])).id }) },
  'POST /v1/api-keys/{keyId}/rotate': {
    body: { graceSeconds: 60 },
    prepare: async (world) => ({ keyId: (await makeKey(world, ['keys:write'])).id }),
  },
  'POST /v1/issuers': {
    body: { issuer: 'https://new.example', audience: 'new', secret: 'a secret of 32 bytes or more, random' },
  },
  'GET /v1/settings': {},
  'PATCH /v1/settings': { body: { retentionDays: { events: 7 }, reasons: ['rude'] } },
  'GET /v1/issuers': {},
  'GET /v1/issuers/{issuerId}': {},
  'PATCH /v1/issuers/{issuerId}': { body: { claims: { userId: 'sub' } } },
  'DELETE /v1/issuers/{issuerId}': { prepare: async (world) => ({ issuerId: await makeIssuer(world, 'spent') }) },
  'GET /v1/roles': {},
  'PUT /v1/roles/{name}': { body: role },
  'DELETE /v1/roles/{name}': {
    prepare: async (world) => {
      await must(200, stagedoor.request('PUT', '/v1/roles/spent', { as: world.key, body: role }));
      return { name: 'spent' };
    },
  },
  'POST /v1/spaces': {
    body: { name: 'another' },
    references: {
      defaultRole: (other) => other.ids['name'],
      stage: (other) => ({ arn: other.ids['stageArn'] }),
      room: (other) => ({ arn: other.ids['roomArn'] }),
    },
  },
  'GET /v1/spaces': {},
  'GET /v1/spaces/{spaceId}': {},
  'PATCH /v1/spaces/{spaceId}': {
    body: { name: 'renamed' },
    references: { defaultRole: (other) => other.ids['name'] },
  },
  'DELETE /v1/spaces/{spaceId}': {
    prepare: async (world) => ({ spaceId: (await stagedoor.createSpace(world, { name: 'spent' }))['id'] as string }),
  },
  'GET /v1/spaces/{spaceId}/members': {},
  'PUT /v1/spaces/{spaceId}/members/{userId}': {
    body: { role: 'host' },
    references: { role: (other) => other.ids['name'] },
  },
  'DELETE /v1/spaces/{spaceId}/members/{userId}': {},
  'GET /v1/grants': {},
  'POST /v1/signing-keys': {
    body: {},
    prepare: async (world) => {
      const id = await activeKey(world);
      if (id) await must(204, stagedoor.request('DELETE', `/v1/signing-keys/${id}`, { as: world.key }));
      return {};
    },
  },
  'GET /v1/signing-keys': {},
  'POST /v1/signing-keys/rotate': { body: {} },
  'POST /v1/signing-keys/{signingKeyId}/kill': {
    body: {},
    prepare: async (world) => ({ signingKeyId: (await activeKey(world)) ?? (await makeSigningKey(world)) }),
  },
  'DELETE /v1/signing-keys/{signingKeyId}': {
    prepare: async (world) => ({ signingKeyId: (await activeKey(world)) ?? (await makeSigningKey(world)) }),
  },
  'POST /v1/spaces/{spaceId}/join': { ...vend, references: { role: (other) => other.ids['name'] } },
  'POST /v1/spaces/{spaceId}/stage-tokens': { ...vend, references: { role: (other) => other.ids['name'] } },
  'POST /v1/spaces/{spaceId}/chat-tokens': { ...vend, references: { role: (other) => other.ids['name'] } },
  'POST /v1/spaces/{spaceId}/console-chat-tokens': { body: {} },
  'POST /v1/spaces/{spaceId}/join/explain': {
    body: { userId: 'sam', role: 'viewer', attributes: { a: 'b' } },
    keyOnly: ['role'],
  },
  'POST /ingest/ivs-events': {
    body: {
      id: 'event',
      'detail-type': 'IVS Stage Update',
      source: 'aws.ivs',
      account: '111122223333',
      time: '2026-04-23T06:36:53Z',
      region: 'us-east-1',
      resources: [],
      detail: {},
    },
  },
  'POST /console/session': { body: { credential: HttpClient.operatorToken } },
  'GET /console/session': {},
  'GET /console/sign-in/ways': { query: () => '?tenant=acme' },
  'DELETE /console/session': {},
  'POST /v1/console-issuers': {
    body: { name: 'new', issuer: unreachable, clientId: 'new' },
  },
  'GET /v1/console-issuers': {},
  'GET /v1/console-issuers/{consoleIssuerId}': {},
  'PATCH /v1/console-issuers/{consoleIssuerId}': { body: { name: 'renamed' } },
  'DELETE /v1/console-issuers/{consoleIssuerId}': {
    prepare: makeConsoleIssuer,
  },
  'GET /v1/console-users': {},
  'PUT /v1/console-users/{userId}': {
    body: { issuerId: 'cis_01h455vb4pex5vsknk084sn02q', role: 'viewer' },
    own: (world) => ({ issuerId: world.ids['consoleIssuerId'] }),
    references: { issuerId: (other) => other.ids['consoleIssuerId'] },
  },
  'DELETE /v1/console-users/{userId}': {
    prepare: async (world) => {
      const body = { issuerId: world.ids['consoleIssuerId'], role: 'viewer' };
      await must(
        200,
        stagedoor.request('PUT', '/v1/console-users/spent', {
          as: world.key,
          body,
        }),
      );
      return { userId: 'spent' };
    },
  },
  'GET /v1/quotas': {},
  'GET /v1/refusals': {},
  'GET /v1/audit': {},
  'GET /v1/audit/chain': {},
  'GET /v1/audit/checkpoints': {},
  'GET /v1/events': {},
  'GET /v1/events/stream': {},
  'POST /v1/webhooks': { body: { url: unreachable, types: ['ban.created'], ordered: 'space', description: 'x' } },
  'GET /v1/webhooks': {},
  'GET /v1/webhooks/{webhookId}': {},
  'PATCH /v1/webhooks/{webhookId}': { body: { description: 'renamed' } },
  'DELETE /v1/webhooks/{webhookId}': { prepare: makeWebhook },
  'POST /v1/webhooks/{webhookId}/rotate': { body: { graceSeconds: 60 } },
  'POST /v1/webhooks/{webhookId}/test': { body: {}, prepare: makeWebhook },
  'POST /v1/webhooks/{webhookId}/replay': { body: { since: '2026-01-01T00:00:00Z' }, prepare: makeWebhook },
  'GET /v1/webhooks/{webhookId}/deliveries': {},
  'POST /v1/webhooks/{webhookId}/deliveries/{deliveryId}/retry': { body: {}, prepare: makeWebhook },
  'POST /v1/spaces/{spaceId}/participants/{participantId}/disconnect': { body: { reason: 'rude' }, prepare: another },
  'POST /v1/spaces/{spaceId}/users/{userId}/disconnect': { body: { reason: 'rude' }, prepare: another },
  'POST /v1/spaces/{spaceId}/users/{userId}/role': {
    body: { role: 'viewer', attributes: { a: 'b' }, reason: 'the show is over' },
    keyOnly: ['attributes'],
    references: { role: (other) => other.ids['name'] },
    prepare: another,
  },
  'POST /v1/spaces/{spaceId}/messages/{messageId}/delete': { body: { reason: 'rude' } },
  'POST /v1/spaces/{spaceId}/events': { body: { name: 'applause', attributes: { a: 'b' } } },
  'POST /v1/spaces/{spaceId}/freeze': {
    body: { reason: 'raid' },
    prepare: async (world) => ({ spaceId: (await stagedoor.createSpace(world, { name: 'raided' }))['id'] as string }),
  },
  'POST /v1/spaces/{spaceId}/unfreeze': {
    body: { reason: 'over' },
    prepare: async (world) => {
      const { id } = await stagedoor.createSpace(world, { name: 'raided' });
      await freeze(stagedoor, world.key, id as string);
      return { spaceId: id as string };
    },
  },
  'GET /v1/spaces/{spaceId}/participants': {},
  'GET /v1/spaces/{spaceId}/sessions': {},
  'GET /v1/spaces/{spaceId}/sessions/{sessionId}': {},
  'GET /v1/spaces/{spaceId}/sessions/{sessionId}/participants': {},
  'GET /v1/spaces/{spaceId}/sessions/{sessionId}/participants/{participantId}/events': {},
  'GET /v1/spaces/{spaceId}/sessions/{sessionId}/attendance': {},
  'POST /v1/users/{userId}/revoke': { body: { reason: 'left' }, prepare: another },
  'POST /v1/grants/{grantId}/revoke': { body: { reason: 'left' }, prepare: another },
  // Somebody of whom the other operations know nothing.
  'DELETE /v1/users/{userId}/data': { prepare: ({ slug }) => Promise.resolve({ userId: `${slug}-nobody` }) },
  'GET /v1/erasures/{erasureId}': {},
  'GET /v1/users/{userId}/notes': {},
  'POST /v1/users/{userId}/notes': { body: { text: 'calm' } },
  'DELETE /v1/users/{userId}/notes/{noteId}': { prepare: makeNote },
  'GET /v1/actions': {},
  'GET /v1/actions/{actionId}': {},
  'GET /v1/actions/{actionId}/targets': {},
  'POST /v1/bans': {
    body: { userId: 'troll', reason: 'rude' },
    references: { spaceId: (other) => other.ids['spaceId'] },
  },
  'GET /v1/bans': {},
  'GET /v1/bans/{banId}': {},
  'DELETE /v1/bans/{banId}': { body: {}, prepare: async (world) => ({ banId: (await ban(world, 'spent'))['ban'].id }) },
};

/** Somebody of low rank who was given something. */
async function another(world: World): Promise<Record<string, string>> {
  const body = { userId: 'low', role: 'viewer', chat: false };
  const { stage } = await must(201, stagedoor.post(`/v1/spaces/${world.ids['spaceId']}/join`, world.key, body));
  return { userId: 'low', grantId: stage.grantId, participantId: stage.participantId };
}

async function ban(world: World, userId: string): Promise<Json> {
  return await must(201, stagedoor.post('/v1/bans', world.key, { userId, reason: `${world.slug}-reason` }));
}

/** An identity provider for the console that nobody has called. */
async function makeConsoleIssuer(world: World): Promise<{ consoleIssuerId: string }> {
  const body = {
    name: `${world.slug}-staff`,
    issuer: unreachable,
    clientId: `${world.slug}-${Math.random()}`,
  };
  const { id } = await must(201, stagedoor.post('/v1/console-issuers', world.key, body));
  return { consoleIssuerId: id as string };
}

/** An endpoint that gets no event, with a delivery of a test that has failed once. */
async function makeWebhook(world: World): Promise<{ webhookId: string; deliveryId: string }> {
  const body = { url: unreachable, types: ['webhook.disabled'], description: `${world.slug}-webhook` };
  const { id: webhookId } = await must(201, stagedoor.post('/v1/webhooks', world.key, body));
  const { id: deliveryId } = await must(202, stagedoor.post(`/v1/webhooks/${webhookId}/test`, world.key));
  await until(async () => {
    const { data } = await must(200, stagedoor.get(`/v1/webhooks/${webhookId}/deliveries`, world.key));
    return (data as Json[])[0]?.['error'] === 'unreachable';
  }, 'the test has failed');
  return { webhookId: webhookId as string, deliveryId: deliveryId as string };
}

/** What ids in paths begin with. */
const prefixes: Record<string, string> = {
  tenantId: 'ten',
  keyId: 'key',
  issuerId: 'iss',
  spaceId: 'spc',
  grantId: 'grt',
  signingKeyId: 'sgk',
  banId: 'ban',
  actionId: 'act',
  webhookId: 'whk',
  consoleIssuerId: 'cis',
  deliveryId: 'whd',
  noteId: 'not',
  erasureId: 'act',
};

/**
 * Parameters whose values mean something in the tenant's own space only: whatever is asked for there, it is not another
 * tenant's that is made, changed or looked at.
 */
const ownWords = new Set([
  'PUT name',
  'PUT userId',
  'POST userId',
  'GET userId',
  'POST participantId',
  'POST messageId',
  'DELETE /v1/users/{userId}/data userId',
]);

interface Operation {
  name: string;
  method: string;
  path: string;
  parameters: string[];
  query: string[];
  /** Who may call: scheme to scopes; empty for everybody. */
  callers: Record<string, string[]>[];
  fields: string[];
  answer: string;
}

const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  Object.entries(item).map(([method, operation]): Operation => {
    const parameters = (operation['parameters'] ?? []) as { name: string; in: string }[];
    return {
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters: parameters.filter((one) => one.in === 'path').map((one) => one.name),
      query: parameters.filter((one) => one.in === 'query').map((one) => one.name),
      callers: operation['security'],
      fields: Object.keys(schemaOf(operation['requestBody']?.content['application/json'].schema)?.['properties'] ?? {}),
      answer: operation['responses']['200']?.content?.['application/json']?.schema.$ref ?? '',
    };
  }),
);

function schemaOf(schema: Json | undefined): Json | undefined {
  const name = (schema?.['$ref'] as string | undefined)?.split('/').at(-1);
  return name === undefined ? schema : document.components.schemas[name];
}

let stagedoor: Stagedoor;
let acme: World;
let globex: World;
let superuser: pg.Pool | undefined;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ IVS_EVENTS_SECRET: ingestSecret });
  acme = await makeWorld('acme');
  globex = await makeWorld('globex');
});

afterAll(async () => {
  await superuser?.end();
  await stagedoor.stop();
});

/** A tenant with one of everything, in the same AWS account and Region as the other. */
async function makeWorld(slug: string): Promise<World> {
  const tenant = await stagedoor.createTenant(slug);
  const as = tenant.key;
  await must(200, stagedoor.request('PUT', `/v1/roles/${slug}-role`, { as, body: role }));
  const space = await stagedoor.createSpace(tenant, { name: `${slug}-space`, defaultRole: `${slug}-role` });
  const member = `/v1/spaces/${space['id']}/members/${slug}-user`;
  await must(200, stagedoor.request('PUT', member, { as, body: { role: 'host' } }));
  const signingKeyId = await makeSigningKey({ key: as });
  const join = await must(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, as, { userId: `${slug}-user` }));
  const { sessionId, participantId, stageArn } = stagedoor.ivs.join(join['stage'].token);
  const at = new Date();
  const name = 'Participant Published';
  await stagedoor.app.get(ReportedEvents).report({ name, stageArn, sessionId, participantId, at });
  const world: World = { ...tenant, ids: {} };
  world.ids = {
    tenantId: tenant.id,
    keyId: (await makeKey(world, ['spaces:read'])).id,
    issuerId: await makeIssuer(world, `${slug}-issuer`),
    spaceId: space['id'],
    userId: `${slug}-user`,
    name: `${slug}-role`,
    grantId: join['stage'].grantId,
    signingKeyId,
    participantId: join['stage'].participantId,
    sessionId,
    messageId: 'AbCdEfGhIjKl',
    stageArn: space['stage'].arn,
    roomArn: space['room'].arn,
  };
  const banned = await ban(world, `${slug}-banned`); // who was given nothing, so that nothing is left to be delivered
  const { body: event } = await stagedoor.post(`/v1/spaces/${space['id']}/events`, as, { name: `${slug}-event` });
  const webhook = await makeWebhook(world);
  // So that nothing is sent while the test compares rows.
  const disabled = { as, body: { enabled: false } };
  await must(200, stagedoor.request('PATCH', `/v1/webhooks/${webhook.webhookId}`, disabled));
  const { consoleIssuerId } = await makeConsoleIssuer(world);
  const person = { as, body: { issuerId: consoleIssuerId, role: 'viewer' } };
  await must(200, stagedoor.request('PUT', `/v1/console-users/${slug}-user`, person));
  Object.assign(world.ids, {
    consoleIssuerId,
    banId: banned['ban'].id,
    actionId: event['id'],
    checkpoint: await hashOfCheckpoint(tenant),
    ...webhook,
    ...(await makeNote(world)),
    erasureId: await makeErasure(world),
  });
  return world;
}

/** The hash at a place of the tenant's audit log that the service has signed. */
async function hashOfCheckpoint({ id, key }: TestTenant): Promise<string> {
  let hash: string | undefined;
  await until(async () => {
    await stagedoor.app.get(AuditCheckpoints).signNext(id);
    const { data } = await must(200, stagedoor.get('/v1/audit/checkpoints', key));
    hash = (data as Json[])[0]?.['hash'] as string | undefined;
    return hash !== undefined;
  }, 'a place is signed');
  return hash ?? '';
}

async function makeKey(world: TestTenant, scopes: string[]): Promise<{ id: string; key: string }> {
  const made = await must(201, stagedoor.post('/v1/api-keys', world.key, { name: `${world.slug}-key`, scopes }));
  return { id: made['id'], key: made['key'] };
}

/** Keys of acme by their scopes. The operations share them, because a tenant has a hundred keys at most. */
const keysByScopes = new Map<string, Promise<string>>();

async function keyWith(scopes: string[]): Promise<string> {
  const name = scopes.join(' ');
  const key = keysByScopes.get(name) ?? makeKey(acme, scopes).then((made) => made.key);
  keysByScopes.set(name, key);
  return await key;
}

/** The erasure of somebody who was never there. It is finished, so that nothing changes while the test compares rows. */
async function makeErasure({ slug, key }: World): Promise<string> {
  const { id } = await must(202, stagedoor.request('DELETE', `/v1/users/${slug}-gone/data`, { as: key }));
  await until(
    async () => (await must(200, stagedoor.get(`/v1/erasures/${id}`, key)))['state'] === 'finished',
    'the erasure is finished',
  );
  return id as string;
}

/** A tenant that the operator may end. */
async function suspendedTenant(): Promise<string> {
  const { id } = await stagedoor.createTenant();
  const as = HttpClient.operatorToken;
  await must(200, stagedoor.request('PATCH', `/v1/tenants/${id}`, { as, body: { status: 'suspended' } }));
  return id;
}

/** A note about the user of the world, written by the tenant's own key or by the one that is given. */
async function makeNote({ key, ids }: World, as = key): Promise<{ noteId: string }> {
  const made = await must(201, stagedoor.post(`/v1/users/${ids['userId']}/notes`, as, { text: 'calm' }));
  return { noteId: made['id'] };
}

function issuerOf({ slug }: TestTenant): string {
  return `https://${slug}.example`;
}

async function makeIssuer(world: TestTenant, audience: string): Promise<string> {
  const body = { issuer: issuerOf(world), audience, secret: 'a secret of 32 bytes or more, random' };
  return (await must(201, stagedoor.post('/v1/issuers', world.key, body)))['id'] as string;
}

async function must(status: number, answer: Promise<Answer>): Promise<Json> {
  return await stagedoor.expect(status, answer);
}

/** The key that nothing removes but a request. A retired one without tokens may be gone at any time. */
async function activeKey(world: { key: string }): Promise<string | undefined> {
  const { data } = await must(200, stagedoor.get('/v1/signing-keys', world.key));
  return (data as Json[]).find(({ state }) => state === 'active')?.['id'];
}

async function makeSigningKey(world: { key: string }): Promise<string> {
  return (await must(201, stagedoor.post('/v1/signing-keys', world.key)))['id'];
}

interface Attempt {
  as?: string;
  headers?: Record<string, string>;
  ids?: Record<string, string>;
  query?: string;
  body?: unknown;
}

async function call(operation: Operation, { as, headers = {}, ids = {}, query = '', body }: Attempt): Promise<Answer> {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? 'x'));
  return await stagedoor.request(operation.method, `${path}${query}`, {
    ...(as !== undefined && { as }),
    ...(body !== undefined && operation.method !== 'GET' && { body }),
    headers,
  });
}

/** The operations with something true of them, for `test.each`. */
const those = (condition: (operation: Operation) => boolean) =>
  operations.filter(condition).map((operation): [string, Operation] => [operation.name, operation]);

const rowOf = ({ name }: Operation): Row => rows[name] ?? {};

const isPublic = ({ callers }: Operation) => callers.length === 0;
const isOperators = ({ callers }: Operation) => callers.length > 0 && callers.every((one) => 'operator' in one);
const isForOperatorToo = ({ callers }: Operation) => callers.some((one) => 'operator' in one);
const isEventBridges = ({ callers }: Operation) => callers.some((one) => 'eventBridge' in one);
const isForSessions = ({ callers }: Operation) => callers.some((one) => 'session' in one);
const isForUsers = ({ callers }: Operation) => callers.some((one) => 'user' in one);
/** The scopes of which a key needs one. */
const scopesOf = ({ callers }: Operation) => callers.flatMap((one) => (one['apiKey'] ?? []) as Scope[]);

/** What the caller gets to see, but for what differs between any two requests. */
function seen({ status, headers, text }: Answer): object {
  const names = [...headers.keys()].filter((name) => name !== 'ratelimit');
  return { status, headers: names, text: text.replace(/"requestId":"[^"]*"/, '"requestId":"…"') };
}

test('every operation of the document has a row here, and every row an operation', () => {
  expect(Object.keys(rows).sort()).toEqual(operations.map(({ name }) => name).sort());
  const ids = new Set(operations.flatMap(({ parameters }) => parameters));
  expect([...ids].filter((name) => !(name in acme.ids))).toEqual([]);
});

/** Two layers keep tenants apart, the filters in the code and row-level security below; each has to do it alone. */
describe.each([
  ['with row-level security', 'enable'],
  ['by the filters in the code alone', 'disable'],
])('%s', (_, security) => {
  beforeAll(() => switchSecurity(security));
  afterAll(() => switchSecurity('enable'));

  async function switchSecurity(to: string): Promise<void> {
    for (const table of await tenantTables()) await asSuperuser(`alter table ${table} ${to} row level security`);
  }

  describe('another tenant’s things do not exist', () => {
    const attempts = operations.flatMap((operation) =>
      operation.parameters
        .filter((parameter) => !ownWords.has(`${operation.method} ${parameter}`))
        .filter((parameter) => !ownWords.has(`${operation.name} ${parameter}`))
        .map((parameter): [string, string, Operation] => [operation.name, parameter, operation]),
    );

    test.each(attempts)(
      '%s: a foreign, an unknown and a malformed %s get the same answer',
      async (_, parameter, operation) => {
        const row = rowOf(operation);
        const as = isOperators(operation) ? Stagedoor.operatorToken : acme.key;
        const prefix = prefixes[parameter];
        const own = acme.ids[parameter] ?? '';
        const unknown = prefix === undefined ? 'nobody' : typeid(prefix).toString();
        const strange = [
          'x',
          own.toUpperCase(),
          `${own}0`,
          ` ${own}`,
          '0',
          'null',
          '%',
          "' or 1=1 --",
          '\0',
          '💥',
          'a'.repeat(400),
        ];
        const others = [
          // The operator manages all tenants: for him there is no foreign one.
          ...(parameter === 'tenantId' ? [] : [globex.ids[parameter] ?? '']),
          ...(prefix === undefined ? ['x', '0', 'null'] : [...strange, ...otherIds(parameter)]),
        ];
        const attempt = (id: string) => call(operation, { as, ids: { ...acme.ids, [parameter]: id }, body: row.body });
        const expected = seen(await attempt(unknown));
        expect(expected).toMatchObject({ status: 404 });
        for (const id of others) expect({ id, ...seen(await attempt(id)) }).toEqual({ id, ...expected });
      },
    );

    function otherIds(parameter: string): string[] {
      const same = parameter === 'actionId' ? ['actionId', 'erasureId'] : [parameter]; // an erasure has the id of its action
      return Object.entries(acme.ids).flatMap(([name, id]) => (same.includes(name) ? [] : [id]));
    }

    const byUsers = attempts.filter(([, parameter, operation]) => isForUsers(operation) && parameter in prefixes);

    test.each(byUsers)(
      '%s: a foreign and an unknown %s are the same to an app user',
      async (_, parameter, operation) => {
        const as = await acme.issuer.token('acme-user', { role: 'host' });
        const body = bodyOf(rowOf(operation), true);
        const attempt = (id: string) => call(operation, { as, ids: { ...acme.ids, [parameter]: id }, body });
        const expected = seen(await attempt(typeid(prefixes[parameter] ?? '').toString()));
        expect(expected).toMatchObject({ status: 404 });
        expect(seen(await attempt(globex.ids[parameter] ?? ''))).toEqual(expected);
      },
    );

    const references = operations.flatMap((operation) =>
      Object.entries(rowOf(operation).references ?? {}).map(
        ([field, value]): [string, string, Operation, (other: World) => unknown] => [
          operation.name,
          field,
          operation,
          value,
        ],
      ),
    );

    test.each(references)(
      '%s: naming a foreign thing as %s is like naming an unknown one',
      async (_, field, operation, of) => {
        const unknown: World = {
          ...globex,
          ids: {
            spaceId: typeid('spc').toString(),
            consoleIssuerId: typeid('cis').toString(),
            name: 'nothing-like-it',
            stageArn: 'arn:aws:ivs:us-east-1:123456789012:stage/AbCdEfGhIjKl',
            roomArn: 'arn:aws:ivschat:us-east-1:123456789012:room/AbCdEfGhIjKl',
          },
        };
        const attempt = (other: World) =>
          call(operation, { as: acme.key, ids: acme.ids, body: { ...rowOf(operation).body, [field]: of(other) } });
        const expected = seen(await attempt(unknown));
        expect(expected).toMatchObject({ status: field.endsWith('Id') ? 404 : 400 });
        expect(seen(await attempt(globex))).toEqual(expected);
      },
    );
  });

  describe('lists never show another tenant’s rows', () => {
    const lists = those((operation) => operation.answer.endsWith('Page') && !isOperators(operation));

    test('there are lists', () => {
      expect(lists.length).toBeGreaterThan(6);
    });

    test.each(lists)('%s', async (_, operation) => {
      const mine = await everyPage(operation, acme.key, acme.ids);
      const theirs = await everyPage(operation, globex.key, globex.ids);
      expect(mine).toMatch(mark(acme));
      expect(theirs).toMatch(mark(globex));
      expect(mine).not.toMatch(mark(globex));
      expect(theirs).not.toMatch(mark(acme));
    });

    /** Whatever shows that something is of this tenant. */
    function mark({ slug, ids }: World): RegExp {
      return new RegExp([slug, ...Object.values(ids)].join('|'));
    }

    test.each(lists)(
      '%s: a foreign filter finds nothing, and a foreign cursor nothing foreign',
      async (_, operation) => {
        for (const filter of operation.query.filter((name) => name in globex.ids)) {
          const query = `?${filter}=${encodeURIComponent(globex.ids[filter] ?? '')}`;
          const answer = await must(200, call(operation, { as: acme.key, ids: acme.ids, query }));
          expect(answer).toEqual(isLog(operation) ? nothingYet : { data: [], nextCursor: null });
          if (!isForUsers(operation)) continue;
          const as = await acme.issuer.token('eve', { role: 'host' });
          expect(await must(200, call(operation, { as, ids: acme.ids, query }))).toEqual(answer);
        }
        const { nextCursor } = await must(200, call(operation, { as: globex.key, ids: globex.ids, query: '?limit=1' }));
        const cursors = [nextCursor, ...Object.values(globex.ids).map((id) => Buffer.from(id).toString('base64url'))];
        for (const cursor of cursors.filter((one) => one !== null)) {
          const { text } = await call(operation, { as: acme.key, ids: acme.ids, query: `?cursor=${cursor}` });
          expect(text).not.toMatch(mark(globex));
        }
      },
    );

    async function everyPage(operation: Operation, as: string, ids: Record<string, string>): Promise<string> {
      let all = '';
      let cursor: string | null = null;
      do {
        const query: string = cursor === null ? '?limit=3' : `?limit=3&cursor=${cursor}`;
        const { status, body, text } = await call(operation, { as, ids, query });
        expect(status).toBe(200);
        all += text;
        cursor = body['hasMore'] === false ? null : (body['nextCursor'] as string | null);
      } while (cursor !== null);
      return all;
    }

    /** A log has no last page: its cursor can be followed for ever. */
    const isLog = ({ path }: Operation): boolean => path === '/v1/events';
    const nothingYet = { data: [], nextCursor: expect.any(String), hasMore: false, missed: 0 };
  });
});

describe('who may not call an operation learns nothing by trying', () => {
  const guarded = those((operation) => !isPublic(operation));
  const nonsense = { body: { made: 'up' } };

  test.each(guarded)('%s: nobody, and who only pretends', async (_, operation) => {
    const expected = { status: 401, body: { code: 'unauthenticated' } };
    expect(await call(operation, nonsense)).toMatchObject(expected);
    const pretended = [
      `${Stagedoor.operatorToken}x`,
      acme.key.slice(0, -1),
      `${await acme.issuer.token('eve')}x`,
      'x.y.z',
    ];
    for (const as of pretended) expect(await call(operation, { ...nonsense, as })).toMatchObject(expected);
  });

  // A credential of ours says nothing about EventBridge, which has none. It is nobody there.
  test.each(those((operation) => !isPublic(operation) && !isEventBridges(operation)))(
    '%s: callers of the wrong kind',
    async (_, operation) => {
      const wrong = isOperators(operation) ? [acme.key, await acme.issuer.token('eve')] : [];
      if (!isForOperatorToo(operation)) wrong.push(Stagedoor.operatorToken);
      if (!isOperators(operation) && !isForUsers(operation)) wrong.push(await acme.issuer.token('acme-user'));
      for (const as of wrong) {
        expect(await call(operation, { ...nonsense, as })).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      }
    },
  );

  test.each(those((operation) => scopesOf(operation).length > 0))(
    '%s: a key without its scope',
    async (_, operation) => {
      const needed = scopesOf(operation);
      const others = scopes.filter((scope) => !needed.some((one) => hasScope([scope], one)));
      const refused = await call(operation, { ...nonsense, as: await keyWith(others) });
      expect(refused).toMatchObject({ status: 403, body: { code: 'forbidden' } });
      for (const scope of needed) expect(refused.body['detail']).toContain(scope);
    },
  );
});

describe('no field reaches a column that is not meant for it', () => {
  let columns: string[];

  beforeAll(async () => {
    const { rows: found } = await asSuperuser<{ name: string }>(`
      select distinct column_name as name from information_schema.columns where table_schema = 'public'`);
    columns = found.map(({ name }) => name);
    expect(columns).toContain('tenant_id');
  });

  // The envelope of EventBridge is not ours: its unknown fields are ignored, and none is stored.
  test.each(those((operation) => /POST|PUT|PATCH/.test(operation.method) && !isEventBridges(operation)))(
    '%s',
    async (_, operation) => {
      const as = isOperators(operation) ? Stagedoor.operatorToken : acme.key;
      const body = rowOf(operation).body;
      const names = columns.flatMap((name) => [
        name,
        name.replaceAll(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
      ]);
      const unknown = [...new Set([...names, 'createdBy', 'epoch'])].filter((name) => !operation.fields.includes(name));
      const before = await everythingOf(acme);
      // As many at a time as a refusal names.
      for (let at = 0; at < unknown.length; at += 20) {
        const some = unknown.slice(at, at + 20);
        const smuggled = Object.fromEntries(some.map((name) => [name, globex.id]));
        const answer = await call(operation, { as, ids: acme.ids, body: { ...body, ...smuggled } });
        expect(answer).toMatchObject({ status: 400, body: { code: 'invalid_request' } });
        const { message } = answer.body['errors'][0] as { message: string };
        expect(some.filter((name) => !message.includes(`"${name}"`))).toEqual([]);
      }
      expect(await everythingOf(acme)).toEqual(before);
    },
  );
});

test('one tenant’s Idempotency-Key is nothing to another, nor to another key of the same tenant', async () => {
  const second = await makeKey(acme, ['spaces:write']);
  const made = await Promise.all(
    [acme.key, globex.key, second.key].map((as) =>
      must(
        201,
        stagedoor.request('POST', '/v1/spaces', {
          as,
          body: { name: 'once', stage: false },
          headers: { 'idempotency-key': 'the-same-everywhere' },
        }),
      ),
    ),
  );
  expect(new Set(made.map(({ id }) => id as string)).size).toBe(3);
});

/** Last, as it uses things up: whatever acme did above and does now, nothing of globex's may change. */
describe('the narrowest caller the document allows is enough', () => {
  let before: Record<string, Json[]>;
  beforeAll(async () => {
    before = await everythingOf(globex);
  });

  const inOrder = [...operations].sort((one, other) => rank(one) - rank(other));
  function rank({ method }: Operation): number {
    return method === 'DELETE' ? 1 : 0;
  }

  test.each(inOrder.map((operation): [string, Operation] => [operation.name, operation]))(
    '%s',
    async (_, operation) => {
      const row = rowOf(operation);
      const [scope] = scopesOf(operation);
      const ids = { ...acme.ids, ...(await row.prepare?.(acme, scope && (await keyWith([scope])))) };
      if (isForSessions(operation)) {
        const { headers } = await TestSession.signIn(stagedoor, acme.key);
        expect((await call(operation, { headers })).status).toBeLessThan(300);
        return;
      }
      const needed = scopesOf(operation);
      const callers =
        isPublic(operation) || isEventBridges(operation)
          ? [undefined]
          : needed.length === 0
            ? [Stagedoor.operatorToken]
            : await Promise.all(needed.map((one) => keyWith([one])));
      for (const as of callers) {
        const body = row.body && { ...row.body, ...row.own?.(acme) };
        await narrowest(operation, as, ids, body, row.query?.(acme));
      }
      if (!isForUsers(operation)) return;
      const user = await acme.issuer.token('mod', { role: 'host' });
      Object.assign(ids, await row.prepare?.(acme));
      await narrowest(operation, user, ids, bodyOf(row, true));
    },
  );

  async function narrowest(
    operation: Operation,
    as: string | undefined,
    ids: Record<string, string>,
    body?: Json,
    query = '',
  ) {
    const headers: Record<string, string> = isEventBridges(operation)
      ? { 'x-stagedoor-ingest-secret': ingestSecret }
      : {};
    const { status, text } = await call(operation, { ...(as !== undefined && { as }), headers, ids, body, query });
    expect(status < 300 ? 'fine' : `${status} ${text}`).toBe('fine');
  }

  test('and nothing of the other tenant has changed', async () => {
    expect(await everythingOf(globex)).toEqual(before);
  });
});

function bodyOf({ body, keyOnly = [] }: Row, asUser: boolean): Json | undefined {
  if (body === undefined || !asUser) return body;
  return Object.fromEntries(Object.entries(body).filter(([name]) => !keyOnly.includes(name)));
}

/** Tables that count requests and calls. They change by themselves. */
const counts = new Set(['allowances', 'ivs_calls']);

/**
 * What the service still does for a tenant after it has answered, and on a busy machine long after: it seals entries of vends, numbers
 * events, repeats calls to IVS, tells how actions went, and ends transactions of requests that were told to come again.
 */
const unfinished = (id: string) => `
  select from unsealed_groups where tenant_id = '${id}'
  union all select from events where tenant_id = '${id}' and position is null
  union all select from deliveries where tenant_id = '${id}' and state in ('pending', 'stuck')
  union all select from actions where tenant_id = '${id}' and not delivery_told
  union all select from pg_stat_activity where datname = current_database() and application_name like 'stagedoor%'
               and backend_xid is not null and xact_start < clock_timestamp() - interval '1 second'`;

/** Every row of a tenant's by its table, but for what changes by itself: when keys were used, and the seals of the audit log. */
async function everythingOf({ id }: World): Promise<Record<string, Json[]>> {
  await until(async () => (await asSuperuser(unfinished(id))).rowCount === 0, 'nothing is left to do for the tenant');
  const tables = (await tenantTables()).filter((name) => !counts.has(name));
  const contents = tables.map(async (name): Promise<[string, Json[]]> => {
    const row = `to_jsonb(t) - '{last_used_at,seq,hash}'::text[]`;
    const { rows: found } = await asSuperuser<{ rows: Json[] }>(
      `select coalesce(jsonb_agg(${row} order by ${row}), '[]') as rows from ${name} t where tenant_id = '${id}'`,
    );
    return [name, found[0]?.rows ?? []];
  });
  return Object.fromEntries(await Promise.all(contents));
}

async function tenantTables(): Promise<string[]> {
  const { rows: tables } = await asSuperuser<{ name: string }>(`
    select table_name as name from information_schema.columns where table_schema = 'public' and column_name = 'tenant_id'`);
  expect(tables.length).toBeGreaterThan(10);
  return tables.map(({ name }) => name);
}

async function asSuperuser<R extends pg.QueryResultRow>(sql: string): Promise<pg.QueryResult<R>> {
  superuser ??= new pg.Pool({ connectionString: stagedoor.database.superuserUrl, max: 2 });
  return await superuser.query<R>(sql);
}
