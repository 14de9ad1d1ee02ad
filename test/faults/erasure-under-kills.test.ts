/** Erasures and ends of tenants go on after kill -9, at whatever step the replica dies, and with two replicas at once. */
import { Cluster, type Service } from '../support/cluster.ts';
import { Crash, CrashProxy } from '../support/crash-proxy.ts';
import { sized } from '../support/full-size.ts';
import { HttpClient, type Json, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await Cluster.start(1);
});

afterAll(async () => {
  await cluster.stop();
});

const as = HttpClient.operatorToken;

/** What a worker does: rows that it changes or deletes, and what it notes of how far it has come. */
const nameStep = (message: string) =>
  /\b(drop_\w+_of_tenant|erase_\w+)\b/.exec(message)?.[1] ??
  /UPDATE "public"\."(tenant_ends|erasures)"/.exec(message)?.[1];
const nameCall = (message: string) => /^POST \/(DeleteStage|DeleteRoom|DeletePublicKey)/.exec(message)?.[1];

/** A replica that dies after so many steps of its work. */
async function mortal(step: number): Promise<{ service: Service; crash: Crash; end: () => Promise<void> }> {
  const crash = new Crash();
  const [database, ivs] = await Promise.all([
    CrashProxy.start(cluster.database.serviceUrl, crash, nameStep),
    CrashProxy.start(cluster.ivs.url, crash, nameCall),
  ]);
  const service = await cluster.add({ DATABASE_URL: database.url, IVS_ENDPOINT: ivs.url });
  crash.arm({ step, when: 'after' });
  crash.victim = service;
  const end = async () => {
    await service.kill();
    await Promise.all([database.proxy.stop(), ivs.proxy.stop()]);
  };
  return { service, crash, end };
}

/** A suspended tenant with a space, a key, people and what they have done, and somebody in it who is to be erased. */
async function filled(): Promise<TestTenant> {
  const service = cluster.at(0);
  const tenant = await service.createTenant();
  const space = await service.createSpace(tenant);
  await service.expect(201, service.post('/v1/signing-keys', tenant.key, {}));
  for (const userId of ['ann', 'ben', 'eve'])
    await service.expect(201, service.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }));
  await service.expect(201, service.post('/v1/bans', tenant.key, { userId: 'ann' }));
  await service.expect(201, service.post('/v1/users/eve/notes', tenant.key, { text: 'rude' }));
  return tenant;
}

/** Leases of replicas that have died do not hold up the test. */
async function hurry(): Promise<void> {
  for (const table of ['tenant_ends', 'erasures'])
    await cluster.database.query(`update ${table} set next_at = now(), leased_until = 'epoch'`);
}

/** Lets one replica after the other die at its work, and then two go on together. */
async function dieOften(isOver: () => Promise<boolean>): Promise<number> {
  let deaths = 0;
  for (let step = 1; step <= sized(2, 40) && !(await isOver()); step += sized(1, 3)) {
    await hurry();
    const { crash, end } = await mortal(step);
    await until(async () => crash.struck || (await isOver()), 'the replica dies at its work');
    await end();
    deaths += crash.struck ? 1 : 0;
  }
  await Promise.all([cluster.add(), cluster.add()]);
  await until(async () => {
    await hurry();
    return await isOver();
  }, 'two replicas at once bring it to its end');
  return deaths;
}

test('the end of a tenant, and an erasure, go on after each death', async () => {
  const [ending, staying] = [await filled(), await filled()];
  const first = cluster.at(0);
  const path = `/v1/tenants/${ending.id}`;
  await first.expect(200, first.request('PATCH', path, { as, body: { status: 'suspended' } }));
  await first.kill();
  // Nobody works while the requests are recorded: the database itself is asked.
  await cluster.database.query(`update tenants set ending_at = now() where id = '${ending.id}'`);
  await cluster.database.query(`insert into tenant_ends (tenant_id) values ('${ending.id}')`);
  await cluster.database
    .query(`insert into actions (tenant_id, id, kind, user_id, requested_by, requested_at, delivery_told)
    values ('${staying.id}', 'act_erase', 'user.erase', 'erased:x', '{"kind":"apiKey","id":"key"}', now(), true)`);
  await cluster.database.query(
    `insert into erasures (tenant_id, id, user_id, name) values ('${staying.id}', 'act_erase', 'eve', 'erased:x')`,
  );
  await cluster.database.query(
    `update grants set expires_at = now() - interval '1 minute', session_expires_at = now() - interval '1 minute'`,
  );

  const open = async (): Promise<Json[]> =>
    await cluster.database.query(
      `select tenant_id from tenant_ends where ended_at is null union all select tenant_id from erasures where finished_at is null`,
    );
  const deaths = await dieOften(async () => (await open()).length === 0);
  process.stdout.write(`${deaths} replicas died at it\n`);
  expect(deaths).toBeGreaterThan(0);

  const left = async (table: string, { id }: TestTenant, where = 'true') =>
    (await cluster.database.query(`select from ${table} where tenant_id = '${id}' and ${where}`)).length;
  for (const table of [
    'api_keys',
    'issuers',
    'spaces',
    'grants',
    'bans',
    'user_notes',
    'signing_keys',
    'actions',
    'events',
    'roles',
  ])
    expect({ table, left: await left(table, ending) }).toEqual({ table, left: 0 });
  expect(await left('audit', ending, `action = 'tenant.ended'`)).toBe(1);
  expect(await left('grants', staying, `user_id = 'eve' or ivs_user_id = 'eve'`)).toBe(0);
  expect(await left('grants', staying, `user_id = 'erased:x'`)).toBe(2);
  expect(await left('grants', staying, `user_id = 'ben'`)).toBe(2);
  expect(await left('user_notes', staying)).toBe(0);
  const used = (what: string) => cluster.ivs.overview().counts.find((one) => one.what === what)?.used;
  expect([used('stages'), used('publicKeys')]).toEqual([1, 1]); // those of the tenant that stays
}, 900_000);
