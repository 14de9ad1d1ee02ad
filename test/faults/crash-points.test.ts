import { Cluster, type Service } from '../support/cluster.ts';
import { Crash, CrashProxy, nameDatabaseStep, nameIvsStep } from '../support/crash-proxy.ts';
import { fullSize, sized } from '../support/full-size.ts';
import { expectInvariants, openCalls } from '../support/invariants.ts';
import type { Answer, Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let cluster: Cluster;
let tenant: TestTenant;
let space: Json;
/** A tenant whose users may have one live token, and its space. */
let strict: TestTenant;
let strictSpace: Json;
let people = 0;

beforeAll(async () => {
  cluster = await Cluster.start(1);
  tenant = await cluster.at(0).createTenant();
  space = await cluster.at(0).createSpace(tenant, { defaultRole: 'speaker' });
  strict = await cluster.at(0).createTenant();
  strictSpace = await cluster.at(0).createSpace(strict, { defaultRole: 'speaker' });
  const body = { oneLiveToken: 'newest' };
  await cluster.at(0).expect(200, cluster.at(0).request('PATCH', '/v1/settings', { as: strict.key, body }));
});

afterAll(async () => {
  await cluster.stop();
});

/** A scenario: what there must be before, and what is asked for. Answers whether it was carried out, once all is quiet. */
interface Scenario {
  name: string;
  prepare(userId: string): Promise<Json>;
  act(service: Service, userId: string, prepared: Json): Promise<Answer>;
  /** Fails unless an action that is on record was carried out, and one that is not changed nothing. */
  check(userId: string, prepared: Json, answered: boolean): Promise<void>;
}

const join = (service: Service, userId: string) =>
  service.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId });

/** A chat token would wait for a minute after the one before. */
const joinStrict = (service: Service, userId: string) =>
  service.post(`/v1/spaces/${strictSpace['id']}/join`, strict.key, { userId, chat: false });

/** Somebody who is on the stage, with tokens that were not all used. */
async function inside(userId: string): Promise<Json> {
  const pass = await cluster.at(0).expect(201, join(cluster.at(0), userId));
  cluster.ivs.join(pass['stage'].token);
  return pass;
}

function isInside(pass: Json, where = space): boolean {
  return cluster.ivs
    .participants(where['stage'].arn)
    .some(({ participantId, state }) => participantId === pass['stage'].participantId && state === 'CONNECTED');
}

async function bansOf(userId: string): Promise<Json[]> {
  return (await cluster.at(0).expect(200, cluster.at(0).get(`/v1/bans?userId=${userId}`, tenant.key)))['data'];
}

/** The older token is revoked in the transaction of the admission (decision 0060): no crash leaves two, or the older one unrevoked. */
const replacing: Scenario = {
  name: 'a vend that replaces a live token',
  async prepare(userId) {
    const pass = await cluster.at(0).expect(201, joinStrict(cluster.at(0), userId));
    cluster.ivs.join(pass['stage'].token);
    return pass;
  },
  act: joinStrict,
  async check(userId, pass, answered) {
    // A token that was revoked before somebody came with it is watched until it expires.
    const live = async (): Promise<string[]> => {
      const listed = await cluster.at(0).expect(200, cluster.at(0).get(`/v1/grants?userId=${userId}`, strict.key));
      return (listed['data'] as Json[]).filter(({ state }) => state === 'live').map(({ id }) => id as string);
    };
    const revoked = await cluster.database.query(
      `select from actions where user_id = '${userId}' and kind = 'grants.revoke'`,
    );
    const before = await live();
    expect(before.length).toBeLessThanOrEqual(1);
    if (answered) expect(before).toHaveLength(1);
    expect(isInside(pass, strictSpace)).toBe(revoked.length === 0);
    expect(before.includes(pass['stage'].grantId as string)).toBe(revoked.length === 0);
    // Whatever was left, the next one gets a token, and it is the only one.
    const next = await cluster.at(0).expect(201, joinStrict(cluster.at(0), userId));
    await until(async () => (await openCalls(cluster.database)) === 0, 'the older token is revoked');
    expect(await live()).toEqual([next['stage'].grantId]);
    expect(isInside(pass, strictSpace)).toBe(false);
  },
};

const scenarios: Scenario[] = [
  ...(fullSize ? [replacing] : []),
  {
    name: 'a ban',
    prepare: inside,
    act: (service, userId) => service.post('/v1/bans', tenant.key, { userId }),
    async check(userId, pass, answered) {
      const bans = await bansOf(userId);
      if (answered) expect(bans).toHaveLength(1);
      expect(isInside(pass)).toBe(bans.length === 0);
      expect((await join(cluster.at(0), userId)).status).toBe(bans.length === 0 ? 201 : 403);
    },
  },
  {
    name: 'the lifting of a ban',
    async prepare(userId) {
      const pass = await cluster.at(0).expect(201, join(cluster.at(0), userId));
      const { ban } = await cluster.at(0).expect(201, cluster.at(0).post('/v1/bans', tenant.key, { userId }));
      return { ...pass, ban };
    },
    act: (service, _userId, { ban }) => service.request('DELETE', `/v1/bans/${ban.id}`, { as: tenant.key, body: {} }),
    async check(userId, _prepared, answered) {
      const [ban] = await bansOf(userId);
      if (answered) expect(ban?.['state']).toBe('lifted');
      expect((await join(cluster.at(0), userId)).status).toBe(ban?.['state'] === 'lifted' ? 201 : 403);
    },
  },
  {
    name: 'a revocation',
    prepare: inside,
    act: (service, userId) => service.post(`/v1/users/${userId}/revoke`, tenant.key, {}),
    async check(userId, pass, answered) {
      const acts = await cluster.database.query(`select id from actions where user_id = '${userId}'`);
      if (answered) expect(acts).toHaveLength(1);
      expect(isInside(pass)).toBe(acts.length === 0);
    },
  },
  {
    name: 'a vend',
    prepare: () => Promise.resolve({}),
    act: join,
    async check(userId, _prepared, answered) {
      const grants = await cluster.database.query(`select state from grants where user_id = '${userId}'`);
      if (answered) expect(grants.map(({ state }) => state)).toEqual(['released', 'released']);
      expect((await join(cluster.at(0), userId)).status).toBe(201);
    },
  },
];

/** A service of its own behind proxies, which dies at one point. */
async function runWith(scenario: Scenario, at: { step: number; when: 'before' | 'after' }) {
  const crash = new Crash();
  const [database, ivs] = await Promise.all([
    CrashProxy.start(cluster.database.serviceUrl, crash, nameDatabaseStep),
    CrashProxy.start(cluster.ivs.url, crash, nameIvsStep),
  ]);
  const service = await cluster.add({ DATABASE_URL: database.url, IVS_ENDPOINT: ivs.url });
  people += 1;
  const userId = `user-${people}`;
  const prepared = await scenario.prepare(userId);
  crash.arm(at);
  crash.victim = service;
  const answer = await scenario.act(service, userId, prepared).catch(() => undefined);
  await service.kill();
  await Promise.all([database.proxy.stop(), ivs.proxy.stop()]);
  return { scenario, userId, prepared, crash, answered: answer !== undefined && answer.status < 300 };
}

/** The steps to die at: all there are at full size; in `npm test` those after which most is left to do. */
async function walk(scenario: Scenario): Promise<Awaited<ReturnType<typeof runWith>>[]> {
  const runs: Awaited<ReturnType<typeof runWith>>[] = [];
  for (let step = 1; step <= sized(2, Infinity); step++) {
    const when = fullSize ? (['before', 'after'] as const) : (['after'] as const);
    const here = await Promise.all(when.map((at) => runWith(scenario, { step, when: at })));
    runs.push(...here);
    if (here.some(({ crash }) => !crash.struck)) break;
  }
  return runs;
}

test('at whatever step a service dies, another carries the action out or it never happened', async () => {
  const runs: Awaited<ReturnType<typeof runWith>>[] = [];
  for (const scenario of scenarios) {
    const walked = await walk(scenario);
    const struck = walked.filter(({ crash }) => crash.struck);
    expect(struck.length).toBeGreaterThan(0);
    if (fullSize) expect(walked.some(({ answered }) => answered)).toBe(true); // it came to its end
    runs.push(...walked);
    const steps = walked.at(-1)?.crash.steps ?? [];
    process.stdout.write(`${scenario.name}: died at ${struck.length} points; its steps: ${steps.join(', ')}\n`);
  }
  await until(async () => (await openCalls(cluster.database)) === 0, 'another has done what was left');
  for (const { scenario, userId, prepared, answered } of runs) await scenario.check(userId, prepared, answered);
  await expectInvariants(cluster);
});
