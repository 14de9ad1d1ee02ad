/** Tenants whose users may have one live token of a kind in a space (`oneLiveToken`). */
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from '../../../../src/app.ts';
import { Settings } from '../../../../src/config.ts';
import { connectOnce, onStage } from '../../../support/chat.ts';
import { expectProblem } from '../../../support/problem.ts';
import { HttpClient, type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
/** A second replica. */
let second: { app: NestFastifyApplication; http: HttpClient };
const tenants: Record<string, TestTenant> = {};
const spaces: Record<string, Json> = {};
let people = 0;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  const app = await createApp(Settings.from(Stagedoor.environment(stagedoor.ivs, stagedoor.database)));
  await app.listen(0, '127.0.0.1');
  second = { app, http: new HttpClient(await app.getUrl()) };
  for (const [name, oneLiveToken] of [
    ['newest', 'newest'],
    ['signing', 'newest'],
    ['first', 'first'],
  ] as const) {
    const tenant = await stagedoor.createTenant();
    const change = stagedoor.request('PATCH', '/v1/settings', { as: tenant.key, body: { oneLiveToken } });
    expect(await stagedoor.expect(200, change)).toMatchObject({ oneLiveToken });
    if (name === 'signing') await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
    tenants[name] = tenant;
    spaces[name] = await stagedoor.createSpace(tenant);
  }
});

afterAll(async () => {
  await second.app.close();
  await stagedoor.stop();
});

beforeEach(async () => {
  // IVS allows five disconnections a second; each test has them all.
  await stagedoor.database.query(`update pacing set at = at - interval '1 minute'`);
});

const of = (name: string) => ({ tenant: tenants[name] as TestTenant, space: spaces[name] as Json });
const somebody = () => `user-${++people}`;

const ask = (name: string, userId: string, body: Json = {}, http: HttpClient = stagedoor, headers = {}) =>
  http.request('POST', `/v1/spaces/${of(name).space['id']}/join`, {
    as: of(name).tenant.key,
    body: { userId, chat: false, ...body },
    headers,
  });
const join = (name: string, userId: string, body: Json = {}) => stagedoor.expect(201, ask(name, userId, body));
const isOnStage = (name: string, { stage }: Json) =>
  onStage(stagedoor, of(name).space['stage'].arn).includes(stage.participantId);

async function grantStates(name: string, userId: string): Promise<string[]> {
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/grants?userId=${userId}`, of(name).tenant.key));
  return (data as Json[]).map(({ state }) => String(state));
}

describe('newest', () => {
  test.each(['newest', 'signing'])(
    'whoever came first is disconnected, and kept out, and the newer one stays: %s',
    async (name) => {
      const userId = somebody();
      const first = await join(name, userId);
      const unused = first['stage'].token;
      stagedoor.ivs.join(unused);
      const newer = await join(name, userId);
      stagedoor.ivs.join(newer['stage'].token);
      await until(() => !isOnStage(name, first), 'the first participant is out');
      expect(isOnStage(name, newer)).toBe(true);
      expect(['watched,live', 'revoked,live']).toContain((await grantStates(name, userId)).sort().reverse().join());
      const actions = async () =>
        (await stagedoor.expect(200, stagedoor.get(`/v1/actions?userId=${userId}`, of(name).tenant.key)))['data'];
      // Somebody is out before the answer of IVS is on record.
      await until(async () => (await actions())[0]?.targets[0]?.state !== 'pending', 'the call has ended');
      expect(await actions()).toMatchObject([
        {
          kind: 'grants.revoke',
          requestedBy: { kind: 'system', id: 'one-live-token' },
          reason: 'stagedoor:newer_token',
          targets: [{ operation: 'DisconnectParticipant', target: first['stage'].participantId, state: 'done' }],
        },
      ]);
    },
  );

  test('a token that nobody had used yet does not let anybody stay', async () => {
    const userId = somebody();
    const first = await join('signing', userId);
    await join('signing', userId);
    await until(
      async () => (await grantStates('signing', userId)).includes('watched'),
      'the first token is acted against',
    );
    // The call finds nobody, and the emulator lets them in. The watch sees them.
    stagedoor.ivs.join(first['stage'].token);
    await until(() => !isOnStage('signing', first), 'the latecomer is out');
  });

  test('the connection of the older chat token is closed before the newer one opens, and says why', async () => {
    const userId = somebody();
    const older = await join('newest', userId, { stage: false, chat: true });
    const before = connectOnce(stagedoor, older);
    await before.connected;
    const reasons: unknown[] = [];
    before.room.addListener('userDisconnect', ({ reason }) => reasons.push(reason));
    await stagedoor.database.query(`update grants set expires_at = now() where id = $1`, [older['chat'].grantId]);
    const newer = await join('newest', userId, { stage: false, chat: true });
    const after = connectOnce(stagedoor, newer);
    await after.connected;
    await before.disconnected;
    expect(after.room.state).toBe('connected');
    expect(reasons).toEqual(['stagedoor:newer_token']);
    after.room.disconnect();
  });

  test('a chat token of the last minute keeps a newer one waiting, and a stage token comes at once', async () => {
    const userId = somebody();
    await join('newest', userId, { chat: true });
    const refused = await ask('newest', userId, { chat: true });
    expectProblem(refused, 'unavailable');
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(2);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(65);
    await join('newest', userId);
  });

  test('a participant renews their token by exchange, and does not come back over the one who replaced them', async () => {
    const userId = somebody();
    const first = await join('signing', userId);
    const { participantId } = first['stage'];
    stagedoor.ivs.join(first['stage'].token);
    expect((await join('signing', userId, { participantId }))['stage'].participantId).toBe(participantId);
    expect(isOnStage('signing', first)).toBe(true);
    await join('signing', userId);
    const back = await ask('signing', userId, { participantId });
    expectProblem(back, 'conflict');
    expect(back.body['detail']).toContain('leave out participantId');
  });

  test('a change of role exchanges the token of the participant, and they stay', async () => {
    const userId = somebody();
    const { space, tenant } = of('signing');
    const member = { as: tenant.key, body: { role: 'host' } };
    await stagedoor.expect(200, stagedoor.request('PUT', `/v1/spaces/${space['id']}/members/${userId}`, member));
    const first = await join('signing', userId);
    stagedoor.ivs.join(first['stage'].token);
    const change = await stagedoor.post(`/v1/spaces/${space['id']}/users/${userId}/role`, tenant.key, {
      role: 'viewer',
    });
    expect(change.body['exchange']).toMatchObject({
      participantId: first['stage'].participantId,
      capabilities: ['SUBSCRIBE'],
    });
    expect(isOnStage('signing', first)).toBe(true);
  });

  test('the explanation names the tokens that a join revokes, and changes nothing', async () => {
    const userId = somebody();
    const { stage } = await join('newest', userId);
    const explained = await stagedoor.expect(
      200,
      stagedoor.post(`/v1/spaces/${of('newest').space['id']}/join/explain`, of('newest').tenant.key, {
        userId,
        chat: false,
      }),
    );
    expect(explained['decision']).toBe('admitted');
    expect(explained['steps']).toContainEqual({
      check: 'live_token',
      outcome: 'passed',
      because: expect.stringContaining(`${stage.grantId} (stage)`),
    });
    expect(await grantStates('newest', userId)).toEqual(['live']);
  });
});

describe('first', () => {
  test('a second token is refused, which says when the first ends, and is given once that is revoked', async () => {
    const userId = somebody();
    const { stage } = await join('first', userId);
    const refused = await ask('first', userId);
    expectProblem(refused, 'conflict');
    expect(refused.body['detail']).toContain(`counts until ${stage.expiresAt}`);
    const seconds = Number(refused.headers.get('retry-after'));
    expect([seconds > 500, seconds <= 600]).toEqual([true, true]);
    const { key } = of('first').tenant;
    const path = `/v1/spaces/${of('first').space['id']}/join/explain`;
    const explained = await stagedoor.expect(200, stagedoor.post(path, key, { userId }));
    expect(explained).toMatchObject({ decision: 'conflict' });
    expect(explained['steps']).toContainEqual({
      check: 'live_token',
      outcome: 'refused',
      because: expect.stringContaining('PATCH /v1/settings'),
    });
    const revoked = await stagedoor.post(`/v1/grants/${stage.grantId}/revoke`, key);
    expect([200, 202]).toContain(revoked.status);
    await join('first', userId);
    await until(async () => {
      const { data } = await stagedoor.expect(200, stagedoor.get('/v1/refusals', key));
      return (data as Json[]).some(({ reason }) => reason === 'conflict');
    }, 'the refusal is counted');
  });

  test('a second token is given once the first has expired', async () => {
    const userId = somebody();
    const { stage } = await join('first', userId);
    await stagedoor.database.query(`update grants set expires_at = now(), session_expires_at = now() where id = $1`, [
      stage.grantId,
    ]);
    await join('first', userId);
  });

  test('a request that is repeated under its Idempotency-Key gets a new token for that of the first try', async () => {
    const userId = somebody();
    const again = () => ask('first', userId, {}, stagedoor, { 'idempotency-key': `of ${userId}`.replace(' ', '-') });
    const lost = await stagedoor.expect(201, again());
    const { stage } = await stagedoor.expect(201, again());
    expect(stage.grantId).not.toBe(lost['stage'].grantId);
    expect((await grantStates('first', userId)).filter((state) => state === 'live')).toHaveLength(1);
    expectProblem(await ask('first', userId), 'conflict');
  });

  test('another user, and the same user elsewhere, get tokens', async () => {
    const userId = somebody();
    await join('first', userId);
    await join('first', somebody());
    const elsewhere = await stagedoor.createSpace(of('first').tenant);
    const body = { userId, chat: false };
    await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${elsewhere['id']}/join`, of('first').tenant.key, body));
  });
});

test.each(['newest', 'signing', 'first'])(
  'of vends at the same moment on two replicas, one leaves a live token: %s',
  async (name) => {
    const userId = somebody();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, at) => ask(name, userId, {}, at % 2 ? second.http : stagedoor)),
    );
    const statuses = answers.map(({ status }) => status);
    expect(new Set(statuses.filter((status) => status !== 201 && status !== 503))).toEqual(
      new Set(statuses.includes(409) ? [409] : []),
    );
    const live = await stagedoor.database.query(
      `select id from grants where user_id = $1 and state in ('pending', 'released')`,
      [userId],
    );
    expect(live).toHaveLength(1);
    expect(answers.flatMap(({ body }) => (body['stage'] as Json | undefined)?.['grantId'] ?? [])).toContain(
      live[0]?.['id'],
    );
    if (name === 'first') expect(statuses.filter((status) => status === 201)).toHaveLength(1);
  },
);
