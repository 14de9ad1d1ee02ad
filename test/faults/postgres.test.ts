import { Database, systemScope } from '../../src/database/database.ts';
import { examine } from '../../src/database/reach.ts';
import { asSuperuser } from '../support/database.ts';
import { inTime } from '../support/own-time.ts';
import { expectProblem } from '../support/problem.ts';
import { postgresUrl } from '../support/shared.ts';
import { type Answer, type HttpClient, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { type Line, TcpProxy } from '../support/tcp-proxy.ts';
import { until } from '../support/until.ts';

let proxy: TcpProxy;
let stagedoor: Stagedoor;
/** Takes the first answer: most tests here are about a 503. */
let client: HttpClient;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  const { hostname, port } = new URL(await postgresUrl());
  proxy = await TcpProxy.start(hostname, Number(port));
  stagedoor = await Stagedoor.start(({ serviceUrl }) => {
    const url = new URL(serviceUrl);
    url.host = `127.0.0.1:${proxy.port}`;
    return { DATABASE_URL: url.href, VENDS_PER_USER_PER_MINUTE: '10000' };
  });
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
  client = stagedoor.once;
});

afterEach(async () => {
  proxy.set('open');
  await until(async () => (await join()).status === 201, 'vending works again');
  await until(async () => (await stagedoor.get('/health/ready')).status === 200, 'the service is ready again');
});

afterAll(async () => {
  await stagedoor.stop();
  await proxy.stop();
});

function join(): Promise<Answer> {
  return client.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'u' });
}

it('the service starts when the first connection to Postgres takes longer than those of requests may', async () => {
  proxy.set({ delayMs: 500 }); // a connection needs several round trips
  const url = new URL(stagedoor.database.serviceUrl);
  url.host = `127.0.0.1:${proxy.port}`;
  const { reach } = await examine(url.href);
  expect(reach.isPooled).toBe(false);
});

const requests: [string, () => Promise<Answer>][] = [
  ['a join', join],
  ['a read', () => client.get('/v1/spaces', tenant.key)],
  ['a write', () => client.post('/v1/api-keys', tenant.key, { name: 'x', scopes: ['*'] })],
  ['the operator', () => client.get('/v1/tenants', Stagedoor.operatorToken)],
  [
    'a write with an idempotency key',
    () =>
      client.request('POST', '/v1/api-keys', {
        as: tenant.key,
        body: { name: 'x', scopes: ['*'] },
        headers: { 'idempotency-key': crypto.randomUUID() },
      }),
  ],
];

describe.each<[string, Line, number]>([
  // No time limit comes into it: the shortest is a second.
  ['refuses', 'refusing', 1_000],
  // A second to get a connection, or two and a half for a statement. A second try would take longer than this.
  ['hangs', 'hanging', 4_500],
  ['is two seconds away', { delayMs: 2_000 }, 4_500],
])('when Postgres %s', (_what, line, withinMs) => {
  it.each(requests)('%s is told 503 in time', async (_who, send) => {
    proxy.set(line);
    expectProblem(await inTime(withinMs, send), 'unavailable');
  });

  it('the service says that it is not ready, and that it lives', async () => {
    proxy.set(line);
    const ready = await inTime(withinMs, () => client.get('/health/ready'));
    expect(ready.status).toBe(503);
    expect(ready.headers.get('retry-after')).toMatch(/^\d+$/);
    expect((await stagedoor.get('/health/live')).status).toBe(200);
  });

  it('a crowd is told in time too, and no connection is lost for good', async () => {
    proxy.set(line);
    const answers = await inTime(withinMs + 1_000, () => Promise.all(Array.from({ length: 40 }, join)));
    for (const answer of answers) expectProblem(answer, 'unavailable');
  });
});

it('an API key that is malformed is refused without a question to the database', async () => {
  proxy.set('refusing');
  const last = tenant.key.at(-1) === 'a' ? 'b' : 'a';
  expectProblem(await stagedoor.get('/v1/spaces', tenant.key.slice(0, -1) + last), 'unauthenticated');
});

it('when Postgres is 200 ms away, vending goes on', async () => {
  await join();
  proxy.set({ delayMs: 100 }); // each way
  // A token leaves within a second of the decision: with more round trips than a few, it never would.
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'u' }));
});

it('connections that are cut at any moment leave nothing half done', async () => {
  const count = async () => {
    let found = -1;
    await asSuperuser(stagedoor.database.name, async (client) => {
      const { rows } = await client.query<{ keys: string; audited: string }>(
        `select (select count(*) from api_keys where name = 'cut') as keys,
                (select count(*) from audit where action = 'apiKey.create' and details->>'name' = 'cut') as audited`,
      );
      expect(rows[0]?.keys).toBe(rows[0]?.audited);
      found = Number(rows[0]?.keys);
    });
    return found;
  };
  const cutting = setInterval(() => proxy.cut(), 7);
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => client.post('/v1/api-keys', tenant.key, { name: 'cut', scopes: ['*'] })),
  );
  clearInterval(cutting);
  for (const answer of answers.filter(({ status }) => status !== 201)) expectProblem(answer, 'unavailable');
  expect(answers.some(({ status }) => status === 503)).toBe(true);
  expect(await count()).toBeGreaterThanOrEqual(answers.filter(({ status }) => status === 201).length);
});

it('a connection that an administrator ends is replaced', async () => {
  await asSuperuser(stagedoor.database.name, (client) =>
    client.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'stagedoor' and datname = $1`,
      [stagedoor.database.name],
    ),
  );
  await until(async () => (await join()).status === 201, 'vending works');
});

it('a Postgres that has become read-only counts as one that is down', async () => {
  const alter = (value: string) =>
    asSuperuser('postgres', (client) =>
      client.query(`alter database ${stagedoor.database.name} set default_transaction_read_only = ${value}`),
    );
  await alter('on');
  proxy.cut();
  try {
    expectProblem(await join(), 'unavailable');
    expectProblem(await client.post('/v1/api-keys', tenant.key, { name: 'x', scopes: ['*'] }), 'unavailable');
  } finally {
    await alter('off');
    proxy.cut();
  }
});

it('while the disk of Postgres is full, writes are told 503 and reads are answered', async () => {
  // Postgres says this whenever a table cannot grow.
  await stagedoor.database.query(
    `create function disk_is_full() returns trigger language plpgsql as
     $$ begin raise 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`,
  );
  for (const table of ['grants', 'api_keys', 'bans']) {
    await stagedoor.database.query(
      `create trigger full_disk before insert on ${table} for each statement execute function disk_is_full()`,
    );
  }
  try {
    const writes = [
      await join(),
      await client.post('/v1/api-keys', tenant.key, { name: 'x', scopes: ['*'] }),
      await client.post('/v1/bans', tenant.key, { userId: 'v' }),
    ];
    for (const answer of writes) {
      expectProblem(answer, 'unavailable');
      expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    }
    await stagedoor.expect(200, stagedoor.get('/v1/api-keys', tenant.key));
  } finally {
    await stagedoor.database.query('drop function disk_is_full cascade');
  }
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'v' }));
});

it('when two transactions wait for each other, Postgres ends one of them and Stagedoor runs it again', async () => {
  const database = stagedoor.app.get(Database);
  const runs: string[] = [];
  let holding = 0;
  /** Takes two locks, the second only when the other transaction has its first. */
  const take = async (first: number, second: number) =>
    await database.inScope(systemScope(tenant.id), async (tx) => {
      runs.push(`${first} ${second}`);
      await tx.$executeRaw`select pg_advisory_xact_lock(${first}::bigint)`;
      holding += 1;
      await until(() => holding >= 2, 'both hold a lock');
      await tx.$executeRaw`select pg_advisory_xact_lock(${second}::bigint)`;
      return first;
    });
  await expect(Promise.all([take(1, 2), take(2, 1)])).resolves.toEqual([1, 2]);
  expect(runs).toHaveLength(3);
});
