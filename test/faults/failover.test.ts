/** Two real servers of Postgres: restarts, a standby in the place of the primary, and a failover in the middle of the work. */
import { Cluster } from '../support/cluster.ts';
import { sized } from '../support/full-size.ts';
import { PostgresPair } from '../support/postgres-pair.ts';
import { expectProblem } from '../support/problem.ts';
import type { Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { VendsAndBans } from '../support/vends-and-bans.ts';

let postgres: PostgresPair;
let cluster: Cluster;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  postgres = await PostgresPair.start();
  cluster = await Cluster.start(sized(1, 3), {}, undefined, postgres.database);
  tenant = await cluster.at(0).createTenant();
  space = await cluster.at(0).createSpace(tenant, { room: false });
});

afterAll(async () => {
  await cluster.stop();
  await postgres.stop();
});

const load = () => new VendsAndBans(cluster, tenant.key, space['id']);
const isReady = async (n: number) => (await cluster.at(n).get('/health/ready')).status === 200;

async function everyReplicaIsReady(): Promise<void> {
  const ready = async () => (await Promise.all(cluster.services.map((_, n) => isReady(n)))).every(Boolean);
  await until(ready, 'every replica is ready');
}

test('Postgres is restarted while users come and are banned: nothing that was answered is lost', async () => {
  await using work = load();
  await work.makesBans();
  await postgres.restartPrimary();
  await work.makesBans();
  await everyReplicaIsReady();
  await work.endsWithNothingLost();
});

test('Postgres is read-only for a while: every write is told so in a 503, and it goes on by itself', async () => {
  await using work = load();
  await work.makesBans();
  const isReadOnly = (value: string) =>
    postgres.askPrimary(`alter system set default_transaction_read_only = ${value}`, 'select pg_reload_conf()');
  await isReadOnly('on');
  await until(async () => !(await isReady(0)), 'the replica says that it is not ready');
  const ready = await cluster.at(0).get('/health/ready');
  expect(ready.text).toContain('takes no writes');
  expect(ready.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  const key = () => cluster.at(0).once.post('/v1/api-keys', tenant.key, { name: 'x', scopes: ['*'] });
  for (const answer of [await work.vend(0, 'u'), await work.ban(0, 'u'), await key()]) {
    expectProblem(answer, 'unavailable');
    expect(answer.text).toContain('takes no writes at the moment');
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
  }
  await isReadOnly('off');
  await everyReplicaIsReady();
  await work.makesBans();
  await work.endsWithNothingLost();
});

test('an address that leads to a standby for a while gives no old answers, and the primary is found again', async () => {
  await using work = load();
  await work.makesBans();
  postgres.address.leadTo('127.0.0.1', postgres.standby.port);
  postgres.address.cut();
  const reads = () => cluster.at(0).once.get('/v1/spaces', tenant.key);
  await until(
    async () => (await cluster.at(0).get('/health/ready')).text.includes('takes no writes'),
    'it is not ready',
  );
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, n) => (n % 2 ? reads() : work.vend(0, `stale-${n}`))),
  );
  for (const answer of answers) expectProblem(answer, 'unavailable');
  // Connections that are open stay open: only new ones are led to the primary.
  postgres.address.leadTo('127.0.0.1', postgres.primaryPort);
  await everyReplicaIsReady();
  await work.makesBans();
  await cluster.at(0).expect(200, reads());
  await work.endsWithNothingLost();
});

test('the primary fails and a standby takes over: no ban that was answered is lost, and bans go on', async () => {
  await using work = load();
  await work.makesBans();
  // The standby hears nothing more: from here on no commit is confirmed, and none may be answered.
  postgres.replication.set('hanging');
  const failed = work.refused.length;
  await until(() => work.refused.length >= failed + 4, 'writes fail');
  const began = performance.now();
  await postgres.failOver();
  const promotedMs = performance.now() - began;
  await work.makesBans(1);
  const servedMs = performance.now() - began;
  await work.makesBans();
  await everyReplicaIsReady();
  process.stdout.write(
    `failover: promoted after ${promotedMs.toFixed(0)} ms, the next ban after ${servedMs.toFixed(0)} ms; ${work.banned.length} bans, ${work.grants.length} tokens, ${work.refused.length} refused\n`,
  );
  await work.endsWithNothingLost();
});
