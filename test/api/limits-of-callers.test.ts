/** What users, API keys and tenants may ask for, on two replicas that share one Postgres. */
import { randomBytes } from 'node:crypto';
import { createApp } from '../../src/app.ts';
import { Settings } from '../../src/config.ts';
import { Outage } from '../support/outage.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, HttpClient, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const { operatorToken } = Stagedoor;
const ofUser = 60;
const env = {
  STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
  REQUESTS_PER_USER_PER_MINUTE: String(ofUser),
  VENDS_PER_USER_PER_MINUTE: '1000',
};
let stagedoor: Stagedoor;
/** The other replica, whose line to Postgres can be cut. */
let other: HttpClient;
let stopOther: () => Promise<void>;
let line: Outage;

beforeAll(async () => {
  line = await Outage.prepare();
  stagedoor = await Stagedoor.start(env);
  const rerouted = { ...env, DATABASE_URL: await line.reroute(stagedoor.database) };
  const app = await createApp(Settings.from(Stagedoor.environment(stagedoor.ivs, stagedoor.database, rerouted)));
  await app.listen(0, '127.0.0.1');
  other = new HttpClient(await app.getUrl());
  stopOther = () => app.close();
});

afterAll(async () => {
  await stopOther();
  await stagedoor.stop();
  await line.stop();
});

/** Sends a request of a user that every replica answers without Postgres: an app user may not list spaces. */
const ask = (replica: HttpClient, as: string) => replica.once.get('/v1/spaces', as);

/** The answers by status, and the seconds it took. */
async function flood(
  times: number,
  send: (n: number) => Promise<Answer>,
): Promise<{ by: Map<number, Answer[]>; seconds: number }> {
  const began = performance.now();
  const answers = await Promise.all(Array.from({ length: times }, (_, n) => send(n)));
  return { by: Map.groupBy(answers, ({ status }) => status), seconds: (performance.now() - began) / 1_000 };
}

describe('with a tenant', () => {
  let tenant: TestTenant;
  let space: Json;

  beforeAll(async () => {
    tenant = await stagedoor.createTenant();
    space = await stagedoor.createSpace(tenant);
  });

  test('two replicas together let a user through as often as one would, and a twentieth more at most', async () => {
    const as = await tenant.issuer.token('ann');
    for (const replica of [stagedoor, other]) expect((await ask(replica, as)).status).toBe(403);
    // Where Postgres takes half a second, a replica goes by what it knows. On a busy machine that happens.
    let late = 0;
    const asked = async (replica: HttpClient): Promise<Answer[]> => {
      const answers: Answer[] = [];
      while (answers.length < ofUser * 2) {
        const began = performance.now();
        answers.push(await ask(replica, as));
        if (performance.now() - began > 490) late++;
      }
      return answers;
    };
    const began = performance.now();
    const by = Map.groupBy((await Promise.all([stagedoor, other].map(asked))).flat(), ({ status }) => status);
    const seconds = (performance.now() - began) / 1_000;
    expect(new Set(by.keys())).toEqual(new Set([403, 429]));
    const passed = (by.get(403)?.length ?? 0) + 2;
    expect(passed).toBeGreaterThanOrEqual(ofUser);
    expect(passed).toBeLessThanOrEqual(ofUser + ofUser / 20 + Math.ceil((seconds + 1) * (ofUser / 60)) + 1 + late);
    for (const answer of by.get(429) ?? []) {
      expectProblem(answer, 'rate_limited');
      expect(answer.headers.get('ratelimit-policy')).toBe(`"requests";q=${ofUser};w=60`);
      expect(answer.headers.get('ratelimit')).toMatch(/^"requests";r=0;t=[1-9]\d*$/);
    }
    // Another user of the tenant is let through, and so are this user's tokens.
    expect((await ask(stagedoor, await tenant.issuer.token('bob'))).status).toBe(403);
    expect((await stagedoor.post(`/v1/spaces/${space['id']}/join`, as, { chat: false })).status).toBe(201);
  });

  test('each answer says how many requests are left', async () => {
    const as = await tenant.issuer.token('carl');
    const read = (answer: Answer) => /^"requests";r=(\d+);t=(\d+)$/.exec(answer.headers.get('ratelimit') ?? '');
    const [, first] = read(await ask(stagedoor, as)) ?? [];
    expect(Number(first)).toBe(ofUser - 1);
    const { by } = await flood(20, () => ask(stagedoor, as));
    expect(Math.min(...(by.get(403) ?? []).map((answer) => Number(read(answer)?.[1])))).toBeLessThan(ofUser - 10);
  });

  test('without Postgres a replica limits by itself, and answers nobody with a failure because of that', async () => {
    const as = await tenant.issuer.token('dora');
    expect((await ask(other, as)).status).toBe(403);
    line.cut();
    try {
      const { by, seconds } = await flood(ofUser * 2, () => ask(other, as));
      expect(new Set(by.keys())).toEqual(new Set([403, 429]));
      const passed = (by.get(403)?.length ?? 0) + 1;
      expect(passed).toBeGreaterThanOrEqual(ofUser);
      expect(passed).toBeLessThanOrEqual(ofUser + Math.ceil((seconds + 1) * (ofUser / 60)) + 1);
    } finally {
      line.mend();
    }
    await until(async () => (await other.get('/health/ready')).status === 200, 'the replica is ready again');
  });
});

describe('limits that the operator sets for a tenant', () => {
  const set = (tenant: TestTenant, body: Json) =>
    stagedoor.request('PATCH', `/v1/tenants/${tenant.id}`, { as: operatorToken, body });

  test('hold on every replica, and neither vends nor requests that are used up keep anybody from acts of moderation', async () => {
    const [tenant, neighbour] = await Promise.all([stagedoor.createTenant(), stagedoor.createTenant()]);
    const space = await stagedoor.createSpace(tenant);
    const next = await stagedoor.createSpace(neighbour);
    const { status, body } = await set(tenant, { limits: { requestsPerMinute: 3, vendsPerMinute: 3 }, weight: 2 });
    expect([status, body['limits'], body['weight']]).toEqual([
      200,
      { requestsPerMinute: 3, vendsPerMinute: 3, requestsAtOnce: 200 },
      2,
    ]);
    const join = (replica: HttpClient, n: number) =>
      replica.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: `u${n}`, chat: false });
    const vends = await flood(20, (n) => join(stagedoor, n));
    expect(new Set(vends.by.keys())).toEqual(new Set([201, 429]));
    expect(vends.by.get(429)?.[0]?.headers.get('ratelimit-policy')).toBe('"tenant-vend-requests";q=3;w=60');
    const reads = await flood(20, () => stagedoor.get('/v1/spaces', tenant.key));
    expect(reads.by.get(429)?.length).toBeGreaterThan(0);
    // The other replica reads the limits every ten seconds.
    await until(async () => (await join(other, 100)).status === 429, 'the limit holds on the other replica');

    const moderator = await tenant.issuer.token('mod', { role: 'moderator' });
    for (const as of [tenant.key, moderator]) {
      const ban = await stagedoor.post('/v1/bans', as, { userId: 'troll', spaceId: space['id'] });
      expect(ban.status).toBe(201);
      expect(ban.headers.get('ratelimit-policy')).toMatch(/^"acts";q=\d+;w=60$/);
      const { ban: made } = ban.body;
      const lift = await stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as, body: {} });
      expect(lift.status).toBe(200);
    }
    // While the tenant asks for ten times as much as another one, nothing of the other one is refused.
    const [loud, vended, banned] = await Promise.all([
      flood(200, (n) => join(n % 2 === 0 ? stagedoor : other, n)),
      flood(20, (n) => {
        const path = `/v1/spaces/${next['id']}/join`;
        return (n % 2 === 0 ? stagedoor : other).post(path, neighbour.key, { userId: `u${n}`, chat: false });
      }),
      flood(5, (n) => stagedoor.post('/v1/bans', neighbour.key, { userId: `troll${n}`, spaceId: next['id'] })),
    ]);
    expect(loud.by.get(429)?.length).toBeGreaterThan(150);
    expect([...vended.by.keys()]).toEqual([201]);
    expect([...banned.by.keys()]).toEqual([201]);
  });

  test('that are used up cost no signature, and strangers to the tenant do not learn of them', async () => {
    const [tenant, neighbour] = await Promise.all([stagedoor.createTenant(), stagedoor.createTenant()]);
    const space = await stagedoor.createSpace(tenant);
    const token = await tenant.issuer.token('ann', { role: 'moderator' });
    const forged = `${token.slice(0, token.lastIndexOf('.'))}.${randomBytes(64).toString('base64url')}`;
    const join = (as: string) => stagedoor.post(`/v1/spaces/${space['id']}/join`, as, { chat: false });
    expectProblem(await join(forged), 'unauthenticated');
    await stagedoor.expect(200, set(tenant, { limits: { vendsPerMinute: 1 } }));
    expect((await join(token)).status).toBe(201);

    const refused = await join(forged);
    expectProblem(refused, 'rate_limited');
    expect(refused.headers.get('ratelimit-policy')).toBe('"tenant-vend-requests";q=1;w=60');
    expectProblem(await join(await neighbour.issuer.token('ann')), 'not_found');
    expectProblem(await stagedoor.post('/v1/bans', forged, { userId: 'bob' }), 'unauthenticated');
    const ban = stagedoor.post('/v1/bans', token, { userId: 'bob', spaceId: space['id'] });
    await stagedoor.expect(201, ban);
  });

  test('are put back by null, and what cannot be a limit is refused', async () => {
    const tenant = await stagedoor.createTenant();
    const before = (await stagedoor.get(`/v1/tenants/${tenant.id}`, operatorToken)).body['limits'];
    expect(before).toEqual({ requestsPerMinute: 300_000, vendsPerMinute: 300_000, requestsAtOnce: 200 });
    await stagedoor.expect(200, set(tenant, { limits: { requestsPerMinute: 5, requestsAtOnce: 7 } }));
    const { body } = await set(tenant, { limits: { requestsPerMinute: null } });
    expect(body['limits']).toEqual({ ...before, requestsAtOnce: 7 });
    for (const wrong of [
      { limits: { vendsPerMinute: 0 } },
      { limits: { members: 1 } },
      { weight: 0 },
      { weight: 1.5 },
    ]) {
      expectProblem(await set(tenant, wrong), 'invalid_request');
    }
  });
});
