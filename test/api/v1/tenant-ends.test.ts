/** The end of a tenant: what goes at Amazon IVS and in the database, what stays, and who can do anything meanwhile. */
import { globSync, readFileSync } from 'node:fs';
import { CreateStageCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import pg from 'pg';
import { usesOf } from '../../../dev/sql/read.ts';
import { rowFunctions, stayingRows } from '../../../src/erasure/tenant-rows.ts';
import { enter, onStage } from '../../support/chat.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

const as = Stagedoor.operatorToken;
let stagedoor: Stagedoor;
let superuser: pg.Client;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  superuser = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await superuser.connect();
});

afterAll(async () => {
  await superuser.end();
  await stagedoor.stop();
});

afterEach(() => {
  stagedoor.ivs.clearFaults();
});

const rowsOf = async (sql: string, values: unknown[] = []): Promise<Json[]> =>
  (await superuser.query<Json>(sql, values)).rows;
const pathOf = (tenant: TestTenant) => `/v1/tenants/${tenant.id}`;
const suspend = (tenant: TestTenant) =>
  stagedoor.expect(200, stagedoor.request('PATCH', pathOf(tenant), { as, body: { status: 'suspended' } }));
const askForEnd = (tenant: TestTenant, query = '') => stagedoor.request('DELETE', `${pathOf(tenant)}${query}`, { as });
const endOf = (tenant: TestTenant) => stagedoor.expect(200, stagedoor.get(`${pathOf(tenant)}/end`, as));

async function tenantTables(): Promise<string[]> {
  const rows = await rowsOf(`
    select c.relname as table from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attname = 'tenant_id' and not a.attisdropped`);
  return rows.map(({ table }) => table as string).sort();
}

/** How many rows a tenant has in each table. */
async function rowsByTable({ id }: TestTenant): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const table of await tenantTables()) {
    const [row] = await rowsOf(`select count(*)::int as count from ${table} where tenant_id = $1`, [id]);
    if (row?.['count'] > 0) found[table] = row?.['count'];
  }
  return found;
}

async function ended(tenant: TestTenant): Promise<Json> {
  await until(async () => {
    await rowsOf(`update tenant_ends set next_at = now() where ended_at is null and next_at > now()`);
    return (await endOf(tenant))['step'] === 'ended';
  }, 'the tenant has ended');
  return await endOf(tenant);
}

/** A stage that the service has not made. */
async function foreignStage(tenant: TestTenant): Promise<string> {
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const client = new IVSRealTimeClient({ endpoint: stagedoor.ivs.url, region: 'us-east-1', credentials });
  const { stage } = await client.send(new CreateStageCommand({ tags: { 'stagedoor:tenant': tenant.id } }));
  return stage?.arn ?? '';
}

/** A tenant with things of each kind, and with people inside. */
async function filled(): Promise<{
  tenant: TestTenant;
  own: Json;
  adopting: Json;
  inside: Awaited<ReturnType<typeof enter>>[];
}> {
  const tenant = await stagedoor.createTenant();
  const { key } = tenant;
  const must = (status: number, answer: ReturnType<Stagedoor['request']>) => stagedoor.expect(status, answer);
  const own = await stagedoor.createSpace(tenant, { name: 'own', capacity: 10 });
  const adopting = await stagedoor.createSpace(tenant, {
    name: 'adopting',
    stage: { arn: await foreignStage(tenant) },
    room: true,
  });
  await must(200, stagedoor.request('PUT', `/v1/spaces/${own['id']}/members/ann`, { as: key, body: { role: 'host' } }));
  const inside = [
    await enter(stagedoor, own['id'], key, { userId: 'ann' }),
    await enter(stagedoor, adopting['id'], key, { userId: 'ben' }),
  ];
  await must(201, stagedoor.post(`/v1/spaces/${adopting['id']}/join`, key, { userId: 'with-unused-tokens' }));
  await must(201, stagedoor.post('/v1/signing-keys', key, {}));
  const webhook = await must(201, stagedoor.post('/v1/webhooks', key, { url: 'http://127.0.0.1:9/' })); // nobody listens
  await must(202, stagedoor.post(`/v1/webhooks/${webhook['id']}/test`, key));
  await must(201, stagedoor.post('/v1/bans', key, { userId: 'cat' }));
  await must(201, stagedoor.post('/v1/users/cat/notes', key, { text: 'rude' }));
  await must(200, stagedoor.request('PATCH', '/v1/settings', { as: key, body: { reasons: ['rude'] } }));
  const provider = { name: 'Staff', issuer: 'http://127.0.0.1:9/', clientId: 'staff' };
  const { id: issuerId } = await must(201, stagedoor.post('/v1/console-issuers', key, provider));
  await must(200, stagedoor.request('PUT', '/v1/console-users/dan', { as: key, body: { issuerId, role: 'admin' } }));
  await must(204, stagedoor.request('POST', '/console/session', { body: { credential: key } }));
  await must(
    202,
    stagedoor.request('DELETE', '/v1/users/nobody/data', { as: key, headers: { 'idempotency-key': 'one' } }),
  );
  return { tenant, own, adopting, inside };
}

test('everything that a tenant owns goes, at Amazon IVS too, and another tenant keeps what it has', async () => {
  const other = await filled();
  const { tenant, own, adopting, inside } = await filled();
  const kept = await rowsByTable(other.tenant);
  const stages = () => stagedoor.ivs.overview().counts.find(({ what }) => what === 'stages')?.used ?? 0;
  const keys = () => stagedoor.ivs.overview().counts.find(({ what }) => what === 'publicKeys')?.used ?? 0;
  const [stagesBefore, keysBefore] = [stages(), keys()];

  expectProblem(await askForEnd(tenant), 'conflict');
  await suspend(tenant);
  const asked = await stagedoor.expect(202, askForEnd(tenant));
  expect(asked).toMatchObject({ tenantId: tenant.id, step: 'access', endedAt: null, leftResources: [] });
  await until(async () => (await stagedoor.get('/v1/spaces', tenant.key)).status === 401, 'its key is worth nothing');
  await Promise.all(inside.map(({ chat }) => chat.disconnected));
  await until(() => onStage(stagedoor, adopting['stage'].arn).length === 0, 'everybody is out of the adopted stage');
  await until(async () => (await endOf(tenant))['step'] === 'tokens', 'the tokens for the adopted stage are watched');
  expect(await rowsByTable(tenant)).toHaveProperty('grants');

  expectProblem(await stagedoor.request('PATCH', pathOf(tenant), { as, body: { status: 'active' } }), 'conflict');
  expectProblem(await stagedoor.post(`${pathOf(tenant)}/api-keys`, as, { name: 'again', scopes: ['*'] }), 'conflict');
  await stagedoor.expect(202, askForEnd(tenant));

  await rowsOf(
    `update grants set expires_at = now() - interval '1 minute', session_expires_at = now() - interval '1 minute' where tenant_id = $1`,
    [tenant.id],
  );
  await rowsOf(`update holds set expires_at = now() - interval '1 minute' where tenant_id = $1`, [tenant.id]);
  await rowsOf(`update deliveries set next_at = now() where tenant_id = $1 and state = 'pending' and follow_up`, [
    tenant.id,
  ]);
  const end = await ended(tenant);

  expect(end).toMatchObject({ endedAt: expect.any(String), leftResources: [], lastError: null });
  expect(Object.keys(await rowsByTable(tenant)).filter((table) => !(table in stayingRows))).toEqual([]);
  const counted = Object.fromEntries(end['deleted'].map(({ what, rows }: Json) => [what, rows]));
  expect(counted).toMatchObject({ apiKeys: 1, grants: expect.any(Number), spaces: 2, webhooks: expect.any(Number) });
  expect(end['remains'].map(({ what }: Json) => what)).toEqual(
    expect.arrayContaining(['The tenant', 'Entries of the audit log', 'Backups']),
  );
  // The stage of its own space is gone, with everybody on it; the adopted one is not the service's to delete.
  expect(stages()).toBe(stagesBefore - 1);
  expect(keys()).toBe(keysBefore - 1);
  expect(onStage(stagedoor, own['stage'].arn)).toEqual([]);

  const [set] = await rowsOf('select schema_name from function_sets order by deployed_at desc limit 1');
  await until(
    async () => (await rowsOf('select from audit where tenant_id = $1 and seq is null', [tenant.id])).length === 0,
    'all is sealed',
  );
  expect(await rowsOf(`select * from ${set?.['schema_name']}.verify_audit($1)`, [tenant.id])).toEqual([]);
  const acts = await rowsOf(
    `select action from audit where tenant_id = $1 and action like 'tenant.end%' order by seq`,
    [tenant.id],
  );
  expect(acts.map(({ action }) => action)).toEqual(['tenant.end', 'tenant.end', 'tenant.ended']);

  const shown = await stagedoor.expect(200, stagedoor.get(pathOf(tenant), as));
  expect(shown).toMatchObject({
    status: 'suspended',
    endingAt: asked['requestedAt'],
    endedAt: end['endedAt'],
    aws: null,
  });
  expectProblem(await stagedoor.post('/v1/tenants', as, { slug: tenant.slug, name: 'again' }), 'conflict');

  const now = await rowsByTable(other.tenant);
  // Rows of the others come and go by themselves.
  for (const table of [
    'api_keys',
    'bans',
    'console_users',
    'events',
    'grants',
    'issuers',
    'members',
    'roles',
    'spaces',
    'user_notes',
    'webhooks',
  ])
    expect({ table, isKept: (now[table] ?? 0) >= (kept[table] ?? Infinity) }).toEqual({ table, isKept: true });
  await stagedoor.expect(200, stagedoor.get('/v1/spaces', other.tenant.key));
  expect(onStage(stagedoor, other.own['stage'].arn)).toHaveLength(1);
  expect(onStage(stagedoor, other.adopting['stage'].arn)).toHaveLength(1);
  for (const { chat } of other.inside) chat.room.disconnect();
});

test('what Amazon IVS refuses to delete holds the end up, until it allows it or the operator leaves it there', async () => {
  const refused = await stagedoor.createTenant();
  const left = await stagedoor.createTenant();
  for (const tenant of [refused, left]) await stagedoor.createSpace(tenant);
  const space = await stagedoor.createSpace(left);
  stagedoor.ivs.fault({ operation: 'DeleteStage', effect: { error: 'AccessDeniedException', status: 403 } });
  for (const tenant of [refused, left]) {
    await suspend(tenant);
    await stagedoor.expect(202, askForEnd(tenant));
    await until(async () => (await endOf(tenant))['lastError'] !== null, 'it says what holds it up');
    expect((await endOf(tenant))['step']).toBe('resources');
  }
  await stagedoor.expect(202, askForEnd(left, '?leaveResources=true'));
  const end = await ended(left);
  expect(end['leftResources']).toContain(space['stage'].arn);
  expect(end['remains'].map(({ what }: Json) => what)).toContain('Stages, rooms and public keys');
  expect((await endOf(refused))['step']).toBe('resources');
  stagedoor.ivs.clearFaults();
  expect(await ended(refused)).toMatchObject({ leftResources: [], lastError: null });
});

test('a tenant that is not there, or that nobody ends, has no end', async () => {
  const tenant = await stagedoor.createTenant();
  expectProblem(await stagedoor.get(`${pathOf(tenant)}/end`, as), 'not_found');
  const nobody = '/v1/tenants/ten_01h455vb4pex5vsknk084sn02q';
  expectProblem(await stagedoor.get(`${nobody}/end`, as), 'not_found');
  expectProblem(await stagedoor.request('DELETE', nobody, { as }), 'not_found');
  expectProblem(await stagedoor.request('DELETE', pathOf(tenant), { as: tenant.key }), 'forbidden');
});

test('every table with rows of tenants is emptied by one of the functions, or is known to stay', async () => {
  const files = globSync('src/*/sql/drop_*_of_tenant.sql');
  const names = files.map((file) => /([a-z_]+)\.sql$/.exec(file)?.[1] ?? '');
  expect(new Set(names)).toEqual(new Set(rowFunctions));
  const emptied = new Set(
    files.flatMap((file) => usesOf(readFileSync(file, 'utf8')).writes.map(({ name }) => name.replace('public.', ''))),
  );
  const advice =
    'Delete its rows in drop_…_of_tenant of its folder, or say in src/erasure/tenant-rows.ts why they stay.';
  const forgotten = (await tenantTables()).filter((table) => !emptied.has(table) && !(table in stayingRows));
  expect(forgotten.map((table) => `${table}: ${advice}`)).toEqual([]);
  expect(Object.keys(stayingRows).filter((table) => emptied.has(table))).toEqual([]);
});
