/**
 * What a suspended tenant may do, over every operation of the OpenAPI document: read, and take something from somebody. An
 * operation that is neither answers 403. Each is called with the examples of the document.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expectProblem } from './support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from './support/stagedoor.ts';

const document = JSON.parse(readFileSync(path.resolve(import.meta.dirname, '../openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json> };
};

/** Operations that are no GET, and only take something from somebody or only tell something. */
const taking = [
  'POST /v1/spaces/{spaceId}/join/explain',
  'DELETE /v1/api-keys/{keyId}',
  'POST /v1/signing-keys/{signingKeyId}/kill',
  'DELETE /v1/signing-keys/{signingKeyId}',
  'DELETE /v1/console-issuers/{consoleIssuerId}',
  'DELETE /v1/console-users/{userId}',
  'POST /v1/bans',
  'DELETE /v1/bans/{banId}',
  'POST /v1/grants/{grantId}/revoke',
  'POST /v1/spaces/{spaceId}/participants/{participantId}/disconnect',
  'POST /v1/spaces/{spaceId}/users/{userId}/disconnect',
  'POST /v1/users/{userId}/revoke',
];

interface Operation {
  name: string;
  method: string;
  /** The path with the examples of its parameters. */
  url: string;
  body: unknown;
  callers: Record<string, unknown>[];
}

const operations = Object.entries(document.paths).flatMap(([pattern, item]) =>
  Object.entries(item).map(([verb, operation]): Operation => {
    const method = verb.toUpperCase();
    const parameters = (operation['parameters'] ?? []) as { name: string; in: string; schema: Json }[];
    const inPath = parameters.filter((one) => one.in === 'path');
    const url = inPath.reduce((at, { name, schema }) => at.replace(`{${name}}`, schema['examples'][0]), pattern);
    return { name: `${method} ${pattern}`, method, url, body: bodyOf(operation), callers: operation['security'] ?? [] };
  }),
);

function bodyOf(operation: Json): unknown {
  const name = operation['requestBody']?.content['application/json'].schema.$ref?.split('/').at(-1) as string;
  return document.components.schemas[name]?.['examples'][0];
}

let stagedoor: Stagedoor;
let tenant: TestTenant;
let moderator: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  moderator = await tenant.issuer.token('moderator', { role: 'host' });
  const body = { status: 'suspended' };
  const path = `/v1/tenants/${tenant.id}`;
  await stagedoor.expect(200, stagedoor.request('PATCH', path, { as: Stagedoor.operatorToken, body }));
});

afterAll(async () => {
  await stagedoor.stop();
});

const call = ({ method, url, body }: Operation, as: string): Promise<Answer> =>
  stagedoor.request(method, url, { as, ...(body !== undefined && { body }) });

const those = (kind: 'apiKey' | 'user', isRefused: boolean) =>
  operations
    .filter(({ callers }) => callers.some((one) => kind in one))
    .filter(({ name, method }) => (method === 'GET' || taking.includes(name)) !== isRefused)
    .map((operation): [string, Operation] => [operation.name, operation]);

function expectSuspended(answer: Answer): void {
  expectProblem(answer, 'forbidden');
  expect(answer.body['detail']).toContain('The tenant is suspended.');
}

test('the operations that a suspended tenant may write with are of the document', () => {
  const names = new Set(operations.map(({ name }) => name));
  expect(taking.filter((name) => !names.has(name))).toEqual([]);
  expect(those('apiKey', true).length).toBeGreaterThan(10);
});

test.each(those('apiKey', true))('%s is refused to an API key', async (_, operation) => {
  expectSuspended(await call(operation, tenant.key));
});

test.each(those('user', true))('%s is refused to an app user', async (_, operation) => {
  const { userId: _userId, ...body } = (operation.body ?? {}) as Json;
  if (operation.name.endsWith('/role')) delete body['attributes'];
  const sent = operation.body === undefined ? operation : { ...operation, body };
  expectSuspended(await call(sent, moderator));
});

test.each(those('apiKey', false))('%s is not refused to an API key', async (_, operation) => {
  const answer = await call(operation, tenant.key);
  expect([200, 201, 202, 204, 400, 404]).toContain(answer.status);
});

test('a repeat of a write from before is refused too', async () => {
  const other = await stagedoor.createTenant();
  const write = () =>
    stagedoor.request('POST', '/v1/spaces', {
      as: other.key,
      body: { name: 'x', stage: false },
      headers: { 'idempotency-key': 'once' },
    });
  expect((await write()).status).toBe(201);
  const body = { status: 'suspended' };
  await stagedoor.request('PATCH', `/v1/tenants/${other.id}`, { as: Stagedoor.operatorToken, body });
  expectSuspended(await write());
});

test('a suspended tenant bans, and lifts the ban', async () => {
  const { ban } = await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'troll' }));
  const lift = stagedoor.request('DELETE', `/v1/bans/${ban.id}`, { as: tenant.key, body: {} });
  expect((await lift).status).toBe(200);
});
