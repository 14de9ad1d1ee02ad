/** Acts, credentials and reads while vends use all connections that they may use. */
import { randomUUID } from 'node:crypto';
import type { PoolClient } from 'pg';
import { Database, ModerationDatabase } from '../../src/database/database.ts';
import { Watchdog } from '../../src/health/watchdog.ts';
import { expectProblem } from '../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
const held: PoolClient[] = [];

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ DATABASE_POOL_SIZE: '2' });
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterEach(() => {
  for (const client of held.splice(0)) client.release();
});

afterAll(async () => {
  await stagedoor.stop();
});

/** Takes all connections of a pool until the test ends. */
async function exhaust(kind: typeof Database | typeof ModerationDatabase): Promise<void> {
  const { pool } = stagedoor.app.get(kind, { strict: false });
  while (held.length < (pool.options.max ?? 0)) held.push(await pool.connect());
}

test('an act needs none of them, from its credential to its Idempotency-Key, and no read does', async () => {
  const fresh = await stagedoor.expect(
    201,
    stagedoor.post('/v1/api-keys', tenant.key, { name: 'nobody has used it yet', scopes: ['*'] }),
  );
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key, {}));
  const { data: issuers } = await stagedoor.expect(200, stagedoor.get('/v1/issuers', tenant.key));
  await exhaust(Database);
  const user = await tenant.issuer.token('mod', { role: 'moderator' });
  const { operatorToken } = Stagedoor;
  const inSpace = `/v1/spaces/${space['id']}`;
  const requests: [string, string, string, Json?][] = [
    ['POST', '/v1/bans', fresh['key'], { userId: 'ann', spaceId: space['id'] }],
    ['POST', '/v1/bans', user, { userId: 'ben', spaceId: space['id'] }],
    ['POST', `${inSpace}/users/ann/disconnect`, tenant.key, {}],
    ['POST', `${inSpace}/users/ann/role`, tenant.key, { role: 'speaker' }],
    ['PUT', `${inSpace}/members/ann`, tenant.key, { role: 'viewer' }],
    ['DELETE', `${inSpace}/members/ann`, tenant.key],
    ['GET', '/v1/issuers', tenant.key],
    ['GET', `/v1/issuers/${issuers[0].id}`, tenant.key],
    ['GET', '/v1/signing-keys', tenant.key],
    ['GET', `/v1/tenants/${tenant.id}/signing-keys`, operatorToken],
  ];
  const statuses: unknown[] = [];
  for (const [method, path, as, body] of requests) {
    const headers = { 'idempotency-key': randomUUID() };
    const answer = await stagedoor.once.request(method, path, { as, headers, ...(body && { body }) });
    statuses.push([method, path, answer.status < 300]);
  }
  expect(statuses).toEqual(requests.map(([method, path]) => [method, path, true]));
  expectProblem(
    await stagedoor.once.post(`${inSpace}/join`, tenant.key, { userId: 'cleo', role: 'viewer' }),
    'unavailable',
  );
});

test('the watchdog takes no connection from acts', async () => {
  const watchdog = stagedoor.app.get(Watchdog, { strict: false });
  await exhaust(ModerationDatabase);
  await watchdog.run();
});
