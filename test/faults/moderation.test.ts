import { enter, onStage } from '../support/chat.ts';
import { Cluster, type Service } from '../support/cluster.ts';
import { fullSize, inParallel, sized } from '../support/full-size.ts';
import { expectInvariants, openCalls } from '../support/invariants.ts';
import type { Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const withinMs = fullSize ? 10 * 60_000 : 90_000;
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
}, 60_000);

afterEach(async () => {
  cluster.ivs.clearFaults();
  await until(async () => (await openCalls(cluster.database)) === 0, 'all calls are made', 40_000);
  await expectInvariants(cluster.database);
}, 50_000);

afterAll(async () => {
  await cluster.stop();
});

function somebody(): string {
  people += 1;
  return `user-${people}`;
}

const join = (service: Service, userId: string, half = 'join') =>
  service.post(`/v1/spaces/${space['id']}/${half}`, tenant.key, { userId });

const ban = (service: Service, userId: string, more: Json = {}) =>
  service.expect(201, service.post('/v1/bans', tenant.key, { userId, ...more }));

async function stateOf(action: Json): Promise<string> {
  return (await cluster.at(0).get(`/v1/actions/${action['id']}`, tenant.key)).body['state'];
}

test.each(fullSize ? [-600, 600] : [-600])(
  'a replica whose clock is wrong by %d seconds bans, refuses and ends bans rightly',
  async (shift) => {
    const wrong = await cluster.add({ CLOCK_SHIFT_SECONDS: String(shift) });
    const userId = somebody();
    const pass = await cluster.at(0).expect(201, join(cluster.at(0), userId));
    const { participantId } = cluster.ivs.join(pass['stage'].token);
    const { action } = await ban(wrong, userId);
    await until(() => !onStage(cluster, space['stage'].arn).includes(participantId), 'the participant is out');
    expect(['delivered', 'pending']).toContain(await stateOf(action));
    for (const service of [wrong, cluster.at(0)]) expect((await join(service, userId)).status).toBe(403);

    const timed = somebody();
    const expiresAt = new Date(Date.now() + 3_000).toISOString();
    const { ban: made } = await ban(wrong, timed, { expiresAt });
    expect([made.state, made.expiresAt]).toEqual(['active', expiresAt]);
    expect(Math.abs(Date.parse(made.createdAt) - Date.now())).toBeLessThan(60_000);
    for (const service of [wrong, cluster.at(0)]) expect((await join(service, timed)).status).toBe(403);
    const read = (service: Service) => service.get(`/v1/bans/${made.id}`, tenant.key).then(({ body }) => body['state']);
    expect(await read(wrong)).toBe('active');
    await until(async () => (await read(wrong)) === 'expired', 'the ban is over');
    expect((await join(cluster.at(0), timed, 'stage-tokens')).status).toBe(201);
    expect((await join(wrong, timed, 'stage-tokens')).status).toBe(201);
    await wrong.kill();
  },
  withinMs,
);

test.each<[string, Parameters<Cluster['ivs']['fault']>[0]['effect']]>([
  ['hangs', { hang: true }],
  ['throttles', { throttle: true }],
  ['fails', { error: 'InternalServerException' }],
])(
  'while IVS %s, bans are on record, others get their tokens, and all is carried out after it',
  async (_how, effect) => {
    const userId = somebody();
    const person = await enter(cluster, space['id'], tenant.key, { userId });
    for (const operation of ['DisconnectUser', 'DisconnectParticipant']) cluster.ivs.fault({ operation, effect });
    const begun = performance.now();
    const { action } = await ban(cluster.at(0), userId);
    expect(action['state']).toBe('pending');
    expect(performance.now() - begun).toBeLessThan(6_000);
    expect((await join(cluster.at(1), userId)).status).toBe(403);
    const slowest: number[] = [];
    while (performance.now() - begun < badTimeMs) {
      const since = performance.now();
      expect((await join(cluster.at(people), somebody())).status).toBe(201);
      slowest.push(performance.now() - since);
      await new Promise((resolve) => setTimeout(resolve, 50)); // within the fifty tokens a second that IVS makes
    }
    expect(Math.max(0, ...slowest)).toBeLessThan(3_000);
    cluster.ivs.clearFaults();
    await person.chat.disconnected;
    await until(
      () => !onStage(cluster, space['stage'].arn).includes(person.pass['stage'].participantId),
      'the participant is out',
      40_000,
    );
  },
  withinMs,
);

test(
  'a raid: all who are banned at once are refused at once, and out as fast as IVS’s rates allow',
  async () => {
    const raiders = sized(20, 300);
    const names = Array.from({ length: raiders }, () => somebody());
    const passes: Json[] = [];
    await inParallel(raiders, 4, async (n) => {
      // IVS makes fifty tokens a second, and the raid is not about that.
      await new Promise((resolve) => setTimeout(resolve, 150));
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
    await until(isOut, 'the last is out', 20_000 + raiders * 250);
    const seconds = (performance.now() - begun) / 1000;
    // 4.8 a second, and as long as it takes to ask for the bans.
    expect(seconds).toBeLessThan(raiders / 4.8 + 6);
    const calls = cluster.ivs.journal({ operation: 'DisconnectParticipant' });
    expect(calls.filter(({ error }) => error === 'ThrottlingException')).toEqual([]);
    process.stdout.write(
      `${raiders} banned at once: the last out after ${seconds.toFixed(1)} s, ${calls.length} calls\n`,
    );
  },
  withinMs,
);

test(
  'publishers go before those who only watch',
  async () => {
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
    // So much of the rate is used up that nobody's turn comes before all are banned.
    await cluster.database.query(
      `insert into pacing (account, operation, allowance, at)
       values ('own us-east-1', 'DisconnectParticipant', -25, clock_timestamp())
       on conflict (account, operation) do update set allowance = excluded.allowance, at = excluded.at`,
    );
    for (const userId of watchers) await ban(cluster.at(0), userId);
    await ban(cluster.at(0), publisher);
    await until(async () => (await openCalls(cluster.database)) === 0, 'all are out', 20_000);
    const order = cluster.ivs
      .journal({ operation: 'DisconnectParticipant' })
      .map(({ input }) => (input as Json)['participantId']);
    expect([order.length, order[0]]).toEqual([7, loud]);
  },
  withinMs,
);

test(
  'a process that was stopped for longer than its lease does nothing late, and its work was done once by another',
  async () => {
    const userId = somebody();
    const stopped = await cluster.add();
    const person = await enter(cluster, space['id'], tenant.key, { userId });
    const hang = cluster.ivs.fault({ operation: 'DisconnectUser', effect: { delayMs: 1_000 }, count: 1 });
    const banning = ban(stopped, userId).catch(() => undefined);
    await until(() => hang.struck === 1, 'the call is at IVS');
    stopped.child.kill('SIGSTOP');
    await person.chat.disconnected;
    await until(async () => (await openCalls(cluster.database)) === 0, 'another has taken it over', 20_000);
    const [made] = (await cluster.at(0).get(`/v1/bans?userId=${userId}`, tenant.key)).body['data'];
    const lifted = await cluster.at(0).request('DELETE', `/v1/bans/${made.id}`, { as: tenant.key, body: {} });
    expect(lifted.status).toBe(200);
    const back = await enter(cluster, space['id'], tenant.key, { userId });
    const calls = cluster.ivs.journal({ operation: 'DisconnectUser' }).length;
    stopped.child.kill('SIGCONT');
    await banning;
    // It serves again, and has had its chance to do something late.
    expect((await stopped.get(`/v1/bans/${made.id}`, tenant.key)).body['state']).toBe('lifted');
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(cluster.ivs.journal({ operation: 'DisconnectUser' })).toHaveLength(calls);
    expect(back.chat.room.state).toBe('connected');
    back.chat.room.disconnect();
    await stopped.kill();
  },
  withinMs,
);
