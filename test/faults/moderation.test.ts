import { setTimeout as sleep } from 'node:timers/promises';
import { ban as banBy, carriedOut } from '../support/actions.ts';
import { enter, onStage } from '../support/chat.ts';
import { Cluster, type Service } from '../support/cluster.ts';
import { fullSize, inParallel, sized } from '../support/full-size.ts';
import { expectInvariants, openCalls } from '../support/invariants.ts';
import type { Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

/** How long IVS has its bad time: a minute at full size. */
const badTimeMs = sized(1_500, 60_000);

let cluster: Cluster;
let tenant: TestTenant;
let space: Json;
let people = 0;

beforeAll(async () => {
  cluster = await Cluster.start(2, { quotas: 'on' });
  tenant = await cluster.at(0).createTenant();
  space = await cluster.at(0).createSpace(tenant, { defaultRole: 'speaker' });
});

afterEach(async () => {
  cluster.ivs.clearFaults();
  await until(async () => (await openCalls(cluster.database)) === 0, 'all calls are made');
  await expectInvariants(cluster);
});

afterAll(async () => {
  await cluster.stop();
});

function somebody(): string {
  people += 1;
  return `user-${people}`;
}

const join = (service: Service, userId: string, half = 'join') =>
  service.post(`/v1/spaces/${space['id']}/${half}`, tenant.key, { userId });

const ban = (service: Service, userId: string, more: Json = {}) => banBy(service, tenant.key, { userId, ...more });

test.each(fullSize ? [-600, 600] : [-600])(
  'a replica whose clock is wrong by %d seconds bans, refuses and ends bans as the others do',
  async (shift) => {
    const wrong = await cluster.add({ CLOCK_SHIFT_SECONDS: String(shift) });
    const userId = somebody();
    const pass = await cluster.at(0).expect(201, join(cluster.at(0), userId));
    const { participantId } = cluster.ivs.join(pass['stage'].token);
    const { action } = await ban(wrong, userId);
    await until(() => !onStage(cluster, space['stage'].arn).includes(participantId), 'the participant is out');
    await carriedOut(cluster.at(0), tenant.key, action);
    for (const service of [wrong, cluster.at(0)]) expect((await join(service, userId)).status).toBe(403);

    const timed = somebody();
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const { ban: made } = await ban(wrong, timed, { expiresAt });
    expect([made.state, made.expiresAt]).toEqual(['active', expiresAt]);
    expect(Math.abs(Date.parse(made.createdAt) - Date.now())).toBeLessThan(60_000);
    for (const service of [wrong, cluster.at(0)]) expect((await join(service, timed)).status).toBe(403);
    const read = (service: Service) => service.get(`/v1/bans/${made.id}`, tenant.key).then(({ body }) => body['state']);
    expect(await read(wrong)).toBe('active');
    await cluster.database.query(
      `update bans set expires_at = clock_timestamp() + interval '1 second' where id = '${made.id}'`,
    );
    await until(async () => (await read(wrong)) === 'expired', 'the ban is over');
    expect((await join(cluster.at(0), timed, 'stage-tokens')).status).toBe(201);
    expect((await join(wrong, timed, 'stage-tokens')).status).toBe(201);
    await wrong.kill();
  },
);

test.each<[string, Parameters<Cluster['ivs']['fault']>[0]['effect']]>([
  ['hangs', { hang: true }],
  ['throttles', { throttle: true }],
  ['fails', { error: 'InternalServerException' }],
])(
  'while IVS %s, bans are recorded and others get their tokens; the calls are made afterwards',
  async (_how, effect) => {
    const userId = somebody();
    const person = await enter(cluster, space['id'], tenant.key, { userId });
    for (const operation of ['DisconnectUser', 'DisconnectParticipant']) cluster.ivs.fault({ operation, effect });
    const begun = performance.now();
    // The answer comes while IVS still has its bad time: it does not wait for what cannot be done.
    const { action } = await ban(cluster.at(0), userId);
    expect(action['state']).toBe('pending');
    expect((await join(cluster.at(1), userId)).status).toBe(403);
    do {
      expect((await join(cluster.at(people), somebody())).status).toBe(201);
      await sleep(50); // within the fifty tokens a second that IVS makes
    } while (performance.now() - begun < badTimeMs);
    expect(onStage(cluster, space['stage'].arn)).toContain(person.pass['stage'].participantId);
    cluster.ivs.clearFaults();
    await person.chat.disconnected;
    await until(
      () => !onStage(cluster, space['stage'].arn).includes(person.pass['stage'].participantId),
      'the participant is out',
    );
  },
);

test('a raid: everybody who is banned is refused at once, and leaves without a call that IVS throttles', async () => {
  const raiders = sized(20, 300);
  const names = Array.from({ length: raiders }, () => somebody());
  const passes: Json[] = [];
  await inParallel(raiders, 4, async (n) => {
    // IVS makes fifty tokens a second, and the raid is not about that.
    await sleep(150);
    const pass = await cluster.at(n).expect(201, join(cluster.at(n), names[n] ?? ''));
    passes.push(pass);
    cluster.ivs.join(pass['stage'].token);
  });
  const isOut = () => {
    const inside = new Set(onStage(cluster, space['stage'].arn));
    return passes.every((pass) => !inside.has(pass['stage'].participantId));
  };
  cluster.ivs.clearJournal();
  const begun = performance.now();
  await inParallel(raiders, 8, async (n) => {
    await ban(cluster.at(n), names[n] ?? '');
    expect((await join(cluster.at(n + 1), names[n] ?? '')).status).toBe(403);
  });
  const askedSeconds = (performance.now() - begun) / 1000;
  await until(isOut, 'the last is out');
  const seconds = (performance.now() - begun) / 1000;
  for (const userId of names) {
    const { data } = await cluster.at(0).expect(200, cluster.at(0).get(`/v1/bans?userId=${userId}`, tenant.key));
    expect(data.map(({ state }: Json) => state)).toEqual(['active']);
  }
  // Only the run at full size has the machine for itself: 4.8 calls a second, and as long as it took to ask for the bans.
  if (fullSize) expect(seconds).toBeLessThan(raiders / 4.8 + askedSeconds);
  const calls = cluster.ivs.journal({ operation: 'DisconnectParticipant' });
  expect(calls.filter(({ error }) => error === 'ThrottlingException')).toEqual([]);
  process.stdout.write(
    `${raiders} banned at once: asked in ${askedSeconds.toFixed(1)} s, the last out after ${seconds.toFixed(1)} s, ${calls.length} calls\n`,
  );
});

test('publishers are disconnected before viewers', async () => {
  const [watchers, publisher] = [Array.from({ length: 6 }, () => somebody()), somebody()];
  const pass = async (userId: string, role: string) => {
    const { body } = await cluster.at(0).post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId, role });
    cluster.ivs.join(body['token']);
    return body['participantId'];
  };
  for (const userId of watchers) await pass(userId, 'viewer');
  const loud = await pass(publisher, 'speaker');
  cluster.ivs.publish({ stageArn: space['stage'].arn, participantId: loud });
  cluster.ivs.clearJournal();
  const allow = (calls: number) =>
    cluster.database.query(
      `insert into pacing (account, operation, allowance, at)
         values ('own us-east-1', 'DisconnectParticipant', ${calls}, clock_timestamp())
         on conflict (account, operation) do update set allowance = excluded.allowance, at = excluded.at`,
    );
  // So much of the rate is used up that nobody's turn comes before everybody is banned.
  await allow(-5_000);
  for (const userId of watchers) await ban(cluster.at(0), userId);
  await ban(cluster.at(0), publisher);
  expect(cluster.ivs.journal({ operation: 'DisconnectParticipant' })).toEqual([]);
  await allow(0);
  await until(async () => (await openCalls(cluster.database)) === 0, 'all are out');
  const order = cluster.ivs
    .journal({ operation: 'DisconnectParticipant' })
    .map(({ input }) => (input as Json)['participantId']);
  expect(order).toHaveLength(7);
  // Two calls at most are made side by side, and the publisher was banned last.
  expect(order.slice(0, 2)).toContain(loud);
});

/** A minute at full size. In the small size a test waits for what others do meanwhile, and no longer. */
const standsStill = () => sleep(sized(0, 60_000));

test('a process that is stopped for longer than its lease does nothing late: another has done its work, once', async () => {
  const userId = somebody();
  const stopped = await cluster.add();
  const person = await enter(cluster, space['id'], tenant.key, { userId });
  const hang = cluster.ivs.fault({ operation: 'DisconnectUser', effect: { delayMs: 1_000 }, count: 1 });
  const banning = ban(stopped, userId).catch(() => undefined);
  await until(() => hang.struck === 1, 'the call is at IVS');
  stopped.child.kill('SIGSTOP');
  await person.chat.disconnected;
  await until(async () => (await openCalls(cluster.database)) === 0, 'another has taken it over');
  const [made] = (await cluster.at(0).get(`/v1/bans?userId=${userId}`, tenant.key)).body['data'];
  const lifted = await cluster.at(0).request('DELETE', `/v1/bans/${made.id}`, { as: tenant.key, body: {} });
  expect(lifted.status).toBe(200);
  const back = await enter(cluster, space['id'], tenant.key, { userId });
  const disconnections = () =>
    cluster.ivs
      .journal({ operation: 'DisconnectUser' })
      .filter(({ input }) => (input as Json | undefined)?.['userId'] === userId).length;
  const before = disconnections();
  await standsStill();
  stopped.child.kill('SIGCONT');
  await banning;
  expect((await stopped.get(`/v1/bans/${made.id}`, tenant.key)).body['state']).toBe('lifted');
  // A service that is told to stop ends only after the calls that it has begun.
  stopped.child.kill('SIGTERM');
  await stopped.ended;
  expect(disconnections()).toBe(before);
  expect(back.chat.room.state).toBe('connected');
  back.chat.room.disconnect();
});

test('a replica that stood still gives no token and knows no caller by what was true before', async () => {
  const stopped = await cluster.add();
  const [waiting, later] = [somebody(), somebody()];
  const other = await cluster
    .at(0)
    .expect(201, cluster.at(0).post('/v1/api-keys', tenant.key, { name: 'revoked', scopes: ['*'] }));
  expect((await stopped.get('/v1/spaces', other['key'])).status).toBe(200);
  expect((await join(stopped, later, 'stage-tokens')).status).toBe(201);
  const slow = cluster.ivs.fault({ operation: 'CreateParticipantToken', effect: { delayMs: 200 }, count: 1 });
  const vending = join(stopped, waiting, 'stage-tokens');
  await until(() => slow.struck === 1, 'the token is being made');
  stopped.child.kill('SIGSTOP');
  for (const userId of [waiting, later]) await ban(cluster.at(0), userId);
  const revoked = await cluster.at(1).request('DELETE', `/v1/api-keys/${other['id']}`, { as: tenant.key });
  expect(revoked.status).toBe(204);
  await standsStill();
  stopped.child.kill('SIGCONT');
  // The token was made, and does not leave.
  expect((await vending).body['code']).toBe('banned');
  expect((await join(stopped, later, 'stage-tokens')).body['code']).toBe('banned');
  expect((await stopped.get('/v1/spaces', other['key'])).status).toBe(401);
  stopped.child.kill('SIGTERM');
  await stopped.ended;
});
