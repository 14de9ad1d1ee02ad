import { setTimeout as sleep } from 'node:timers/promises';
import { Balancer } from '../support/balancer.ts';
import { Cluster, type Service } from '../support/cluster.ts';
import { fullSize, sized } from '../support/full-size.ts';
import { HaProxy, haproxy } from '../support/haproxy.ts';
import { type Answer, HttpClient, type Json, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

/** Time between two checks of the balancer, in milliseconds. */
const checkEveryMs = sized(100, 2_000);

/** In the small size it is many checks long, because a busy machine delays the checks. */
const drainSeconds = sized(3, 5);

const requestsPerSecond = sized(25, 80);

let cluster: Cluster;
let balancer: Balancer;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  cluster = await Cluster.start(0);
  balancer = await Balancer.start(checkEveryMs);
  await Promise.all([1, 2, 3].map(() => startReplica()));
  await until(() => balancer.readyServers === 3, 'all replicas are ready');
  const client = new HttpClient(balancer.url);
  tenant = await client.createTenant();
  space = await client.createSpace(tenant);
  await client.expect(201, client.post('/v1/signing-keys', tenant.key, {}));
});

afterAll(async () => {
  await balancer.stop();
  await cluster.stop();
});

async function startReplica(): Promise<Service> {
  const service = await cluster.add({ SHUTDOWN_DRAIN_SECONDS: String(drainSeconds) });
  balancer.add(service.url);
  return service;
}

type Ask = (client: HttpClient, n: number) => Promise<Answer>;

const join: Ask = (client, n) => client.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: `user-${n}` });
const token: Ask = (client, n) =>
  client.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId: `user-${n}` });
const read: Ask = (client) => client.get('/v1/spaces', tenant.key);
const disconnect: Ask = (client, n) =>
  client.post(`/v1/spaces/${space['id']}/users/user-${n - 3}/disconnect`, tenant.key, {});

/**
 * What users and moderators do all the time, by turns. One request of twenty disconnects a user: at 100 requests a second
 * that is what IVS carries out. More would make a queue that never ends, which is not what is tested here.
 */
const usual = [join, token, read, token];
const requests = [...usual, ...usual, ...usual, ...usual, join, token, read, disconnect];

/** Sends requests at a steady rate, whether or not earlier ones were answered, until `over`. Returns those that failed. */
async function load(over: () => boolean, url = balancer.url, perSecond = requestsPerSecond): Promise<string[]> {
  const client = new HttpClient(url);
  const running: Promise<void>[] = [];
  const failed: string[] = [];
  const began = performance.now();
  while (!over()) {
    const n = running.length;
    const send = requests[n % requests.length];
    if (!send) throw new Error('no request');
    running.push(
      send(client, n).then(
        (answer) => {
          if (answer.status >= 400 && !isSlowMachine(answer)) failed.push(`${answer.status} ${answer.text}`);
        },
        (error: unknown) => void failed.push(String(error)),
      ),
    );
    await sleep(Math.max(0, began + (running.length * 1_000) / perSecond - performance.now()));
  }
  await Promise.all(running);
  return failed;
}

/** A busy machine makes Postgres and the emulator too slow for the time limits of a request. That is no fault of a stop. */
function isSlowMachine({ status, body }: Answer): boolean {
  return !fullSize && status === 503 && ['unavailable', 'ivs_unavailable'].includes(body['code']);
}

/** Replaces a replica under load. Returns the requests that failed; undefined if the checks of the balancer were late. */
async function replaceUnderLoad(): Promise<string[] | undefined> {
  let replaced = false;
  const loaded = load(() => replaced);
  const old = cluster.at(0);
  const told = performance.now();
  old.child.kill('SIGTERM');
  await old.ended;
  const tookMs = performance.now() - told;
  const isLate = balancer.lastSentTo(old.url) > told + (drainSeconds - 1) * 1_000;
  await startReplica();
  await until(() => balancer.readyServers === 3, 'the new replica is ready');
  replaced = true;
  const failed = await loaded;
  expect(old.child.exitCode).toBe(0);
  // It serves until the balancer knows, and ends well before an orchestrator kills it.
  expect(tookMs).toBeGreaterThanOrEqual(drainSeconds * 1_000 - 1);
  if (fullSize) expect(tookMs).toBeLessThan(25_000);
  return isLate ? undefined : failed;
}

it('no request fails while all replicas are replaced, one after the other, behind a balancer that never retries', async () => {
  for (let left = sized(3, 6); left > 0;) {
    const failed = await replaceUnderLoad();
    if (!failed) continue; // the machine is too busy for the balancer to check in time
    expect(failed).toEqual([]);
    left -= 1;
  }
});

// In full size it is not skipped: what is promised would not be shown.
(haproxy || fullSize ? it : it.skip)(
  'no request fails while replicas are replaced behind HAProxy, which sends no request twice',
  async () => {
    const proxy = await HaProxy.start(checkEveryMs);
    try {
      for (const service of cluster.services) if (!service.hasEnded) await proxy.add(service.url);
      await until(async () => (await proxy.readyServers()) === 3, 'HAProxy finds all replicas ready');
      let over = false;
      const loaded = load(() => over, proxy.url, sized(25, 100));
      for (let left = sized(1, 30); left > 0; left--) {
        const old = cluster.at(0);
        old.child.kill('SIGTERM');
        await old.ended;
        expect(old.child.exitCode).toBe(0);
        await proxy.add((await startReplica()).url);
        await until(async () => (await proxy.readyServers()) === 3, 'HAProxy finds the new replica ready');
      }
      over = true;
      expect(await loaded).toEqual([]);
    } finally {
      await proxy.stop();
    }
  },
);

it('a replica that is told to stop leaves no lease behind', async () => {
  await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      cluster.at(n).post(`/v1/spaces/${space['id']}/users/user-${n}/disconnect`, tenant.key, {}),
    ),
  );
  const stopped = cluster.services.filter((service) => !service.hasEnded);
  for (const service of stopped) service.child.kill('SIGINT');
  await Promise.all(stopped.map(({ ended }) => ended));
  expect(stopped.map(({ child }) => child.exitCode)).toEqual([0, 0, 0]);
  const leased = await cluster.database.query(
    `select 'delivery' as what from deliveries where leased_until > clock_timestamp()
     union all select 'watch' from watches where leased_until > clock_timestamp()`,
  );
  expect(leased).toEqual([]);
});

it('a replica that drains closes each connection after its answer, and a second signal ends it at once', async () => {
  const service = await cluster.add({ SHUTDOWN_DRAIN_SECONDS: '300' });
  service.child.kill('SIGTERM');
  await until(async () => (await service.get('/health/ready')).body['status'] === 'shutting_down', 'it drains');
  const live = await service.get('/health/live');
  expect([live.status, live.headers.get('connection')]).toEqual([200, 'close']);
  await sleep(600); // sooner, a second signal counts as the first one sent twice
  service.child.kill('SIGTERM');
  await service.ended;
  expect(service.child.exitCode).toBe(1);
});
