import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { Delivery } from '../../../src/delivery/delivery.ts';
import { Watchdog } from '../../../src/health/watchdog.ts';
import { limits } from '../../../src/limits.ts';
import { Metrics } from '../../../src/telemetry/metrics.ts';
import { ban as banBy, carriedOut } from '../../support/actions.ts';
import { connectOnce, enter, onStage } from '../../support/chat.ts';
import { hoard } from '../../support/hoard.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let people = 0;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
});

afterAll(async () => {
  await stagedoor.stop();
});

/** A user whom no other test knows. */
function somebody(): string {
  people += 1;
  return `user-${people}`;
}

function join(userId: string, spaceId = space['id']) {
  return stagedoor.post(`/v1/spaces/${spaceId}/join`, tenant.key, { userId });
}

const ban = (userId: string, more: Json = {}) => banBy(stagedoor, tenant.key, { userId, ...more });

function lift(banId: string, as = tenant.key) {
  return stagedoor.request('DELETE', `/v1/bans/${banId}`, { as, body: {} });
}

/** The calls that IVS has answered to close a user's chat connections. */
function disconnections(userId: string) {
  const calls = stagedoor.ivs.journal({ operation: 'DisconnectUser' });
  return calls.filter(({ input }) => (input as Json | undefined)?.['userId'] === userId);
}

async function grantsOf(userId: string): Promise<Json[]> {
  return (await stagedoor.expect(200, stagedoor.get(`/v1/grants?userId=${userId}`, tenant.key)))['data'];
}

test('a banned user’s chat closes, the participant leaves, no token is given, and the others see a calm room', async () => {
  const [troll, guest] = [somebody(), somebody()];
  const bad = await enter(stagedoor, space['id'], tenant.key, { userId: troll });
  const good = await enter(stagedoor, space['id'], tenant.key, { userId: guest });

  const { ban: made, action } = await ban(troll, { spaceId: space['id'], reason: 'shouting' });
  expect(made).toEqual({
    id: expect.stringMatching(/^ban_/),
    userId: troll,
    spaceId: space['id'],
    reason: 'shouting',
    createdBy: { kind: 'apiKey', id: expect.stringMatching(/^key_/) },
    createdAt: expect.any(String),
    expiresAt: null,
    state: 'active',
  });
  expect(action).toMatchObject({ kind: 'ban', spaceId: space['id'], userId: troll, reason: 'shouting' });
  const { targets } = await carriedOut(stagedoor, tenant.key, action);
  expect(targets).toMatchObject([
    { operation: 'DisconnectParticipant', target: bad.pass['stage'].participantId, state: 'done', attempts: 1 },
    { operation: 'DisconnectUser', target: troll, state: 'done', attempts: 1 },
    { operation: 'DisconnectUser', target: troll, state: 'pending', attempts: 0 }, // once the token can connect no more
  ]);

  await bad.chat.disconnected;
  expect(onStage(stagedoor, space['stage'].arn)).toEqual([good.pass['stage'].participantId]);
  const refused = await join(troll);
  expectProblem(refused, 'banned');
  expect(refused.body).toMatchObject({ until: null, reason: 'shouting', detail: expect.stringMatching(/moderator/) });

  const { id } = await good.chat.room.sendMessage(new SendMessageRequest('all is well'));
  await until(() => good.chat.messages.some((message) => message.id === id), 'the guest sees the message');
  expect(good.chat.room.state).toBe('connected');
  expect(good.chat.events).toEqual([]);
  expect(good.chat.messages).toHaveLength(1);
  good.chat.room.disconnect();
});

test('a token that was not used before the ban lets the user in for a moment only', async () => {
  const userId = somebody();
  const pass = (await join(userId)).body;
  await ban(userId);
  const { participantId } = stagedoor.ivs.join(pass['stage'].token);
  await until(() => !onStage(stagedoor, space['stage'].arn).includes(participantId), 'the participant is out');
  const stateOf = async (wanted: string) => (await grantsOf(userId)).find(({ kind }) => kind === wanted)?.['state'];
  await until(async () => (await stateOf('stage')) === 'revoked', 'the ledger says so');
  expect(await stateOf('chat')).toBe('watched');
});

test('a chat token that was not used before the ban causes one more call, when it can no longer connect', async () => {
  const userId = somebody();
  const pass = (await join(userId)).body;
  const { action } = await ban(userId);
  const sneaky = connectOnce(stagedoor, pass);
  await sneaky.connected;
  // Both at once: the call that follows finds that the token has expired.
  await inDatabase(`
    update deliveries set next_at = now() where action_id = '${action['id']}' and follow_up;
    update grants set expires_at = now() - interval '1 second' where user_id = '${userId}' and kind = 'chat'`);
  await sneaky.disconnected;
  await until(
    async () => (await grantsOf(userId)).some(({ kind, state }) => kind === 'chat' && state === 'revoked'),
    'the chat grant is revoked',
  );
  const told = await carriedOut(stagedoor, tenant.key, action);
  expect(told).toMatchObject({ state: 'delivered' });
});

async function inDatabase(sql: string): Promise<Json[]> {
  return await stagedoor.database.query(sql);
}

test('somebody who was never here can be banned, and is refused when they come', async () => {
  const userId = somebody();
  const { action } = await ban(userId);
  expect(action).toMatchObject({ state: 'delivered', targets: [] });
  expectProblem(await join(userId), 'banned');
});

test('a ban of one space leaves the other spaces open; one of the tenant closes all', async () => {
  const other = await stagedoor.createSpace(tenant, { name: 'Other' });
  const userId = somebody();
  const { ban: here } = await ban(userId, { spaceId: space['id'] });
  expectProblem(await join(userId), 'banned');
  expect((await join(userId, other['id'])).status).toBe(201);
  await ban(userId);
  expectProblem(await join(userId, other['id']), 'banned');
  expect((await lift(here['id'])).status).toBe(200);
  expectProblem(await join(userId), 'banned');
});

test('a ban ends at its time, by the clock of the database', async () => {
  const userId = somebody();
  const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
  const { ban: made } = await ban(userId, { expiresAt });
  const refused = await join(userId);
  expectProblem(refused, 'banned');
  expect(refused.body).toMatchObject({ until: expiresAt, detail: expect.stringContaining(expiresAt) });
  await inDatabase(`update bans set expires_at = clock_timestamp() + interval '1 second' where id = '${made['id']}'`);
  await until(async () => (await join(userId)).status === 201, 'the user may join again');
  expect(
    await inDatabase(`select clock_timestamp() >= expires_at as over from bans where id = '${made['id']}'`),
  ).toEqual([{ over: true }]);
  expect((await stagedoor.get(`/v1/bans/${made['id']}`, tenant.key)).body).toMatchObject({ state: 'expired' });
});

test('a ban cannot end before it begins', async () => {
  const answer = await stagedoor.post('/v1/bans', tenant.key, {
    userId: somebody(),
    expiresAt: new Date(Date.now() - 1_000).toISOString(),
  });
  expectProblem(answer, 'invalid_request');
  expect(answer.body['errors']).toEqual([{ path: 'expiresAt', message: 'must be in the future' }]);
});

test('a lifted ban lets the user in again, says who lifted it, and is lifted once', async () => {
  const userId = somebody();
  const { ban: made } = await ban(userId);
  const lifted = await lift(made['id']);
  expect(lifted.body).toMatchObject({ state: 'lifted', liftedBy: { kind: 'apiKey' }, liftedAt: expect.any(String) });
  expect((await join(userId)).status).toBe(201);
  expectProblem(await lift(made['id']), 'conflict');
});

test('lifting one of two bans of a user leaves what the other ban holds', async () => {
  const userId = somebody();
  const pass = (await join(userId)).body;
  await ban(userId);
  const { ban: second } = await ban(userId, { spaceId: space['id'] });
  expect((await lift(second['id'])).status).toBe(200);
  expect((await grantsOf(userId)).every(({ state }) => state === 'watched')).toBe(true);
  const { participantId } = stagedoor.ivs.join(pass['stage'].token);
  await until(() => !onStage(stagedoor, space['stage'].arn).includes(participantId), 'the participant is out');
  expectProblem(await join(userId), 'banned');
});

test('lifting a ban gives back what it held, so that an unused token opens the door again', async () => {
  const userId = somebody();
  const own = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
  const pass = (await join(userId, own['id'])).body;
  const { ban: made, action } = await ban(userId);
  await lift(made['id']);
  expect((await grantsOf(userId)).map(({ state }) => state)).toEqual(['live', 'live']);
  const { participantId } = stagedoor.ivs.join(pass['stage'].token);
  const told = await stagedoor.expect(200, stagedoor.get(`/v1/actions/${action['id']}`, tenant.key));
  expect(told['state']).toBe('delivered');
  expect(told['targets']).toContainEqual(
    expect.objectContaining({ operation: 'DisconnectUser', state: 'expired', lastError: 'the ban was lifted' }),
  );
  const watched = async () => (await inDatabase(`select from watches where space_id = '${own['id']}'`)).length > 0;
  await until(async () => !(await watched()), 'the watch of the stage is over');
  expect(onStage(stagedoor, own['stage'].arn)).toContain(participantId);
});

test('a ban that is lifted while its calls are queued does not hit the user afterwards', async () => {
  const userId = somebody();
  const person = await enter(stagedoor, space['id'], tenant.key, { userId });
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { error: 'InternalServerException' } });
  const { ban: made, action } = await ban(userId);
  expect(action['state']).toBe('pending');
  await until(async () => {
    const { body } = await stagedoor.get(`/v1/actions/${action['id']}`, tenant.key);
    return body['targets'][0].state === 'done';
  }, 'the participant is disconnected');
  await lift(made['id']);
  stagedoor.ivs.clearFaults(fault.id);
  const told = await stagedoor.expect(200, stagedoor.get(`/v1/actions/${action['id']}`, tenant.key));
  expect(told['targets'].map(({ state }: Json) => state)).toEqual(['done', 'expired', 'expired']);
  const before = disconnections(userId);
  await stagedoor.app.get(Delivery).run();
  expect(disconnections(userId)).toEqual(before);
  expect(person.chat.room.state).toBe('connected');
  person.chat.room.disconnect();
});

test('lifting a ban while a call hangs at IVS waits for the call and then lets the user in', async () => {
  const userId = somebody();
  await enter(stagedoor, space['id'], tenant.key, { userId });
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { delayMs: 1_000 }, count: 1 });
  const banned = ban(userId);
  await until(() => fault.struck > 0, 'the call is at IVS');
  const [listed] = (await stagedoor.get(`/v1/bans?userId=${userId}`, tenant.key)).body['data'];
  const lifted = await lift(listed.id);
  expect(lifted.status).toBe(200);
  expect(disconnections(userId).filter((call) => call.fault === fault.id)).toHaveLength(1);
  await banned;
});

test('bans are listed newest first, in pages, by user, by space and by whether they are in force', async () => {
  const userId = somebody();
  const ids: string[] = [];
  for (let n = 0; n < 3; n++) ids.push((await ban(userId, n === 0 ? { spaceId: space['id'] } : {}))['ban'].id);
  await lift(ids[1] ?? '');
  const list = async (query: string) => {
    const { body } = await stagedoor.get(`/v1/bans?userId=${userId}${query}`, tenant.key);
    return body['data'].map(({ id }: Json) => id);
  };
  expect(await list('')).toEqual(ids.toReversed());
  expect(await list('&active=true')).toEqual([ids[2], ids[0]]);
  expect(await list('&active=false')).toEqual([ids[1]]);
  expect(await list(`&spaceId=${space['id']}`)).toEqual([ids[0]]);
  const first = (await stagedoor.get(`/v1/bans?userId=${userId}&limit=2`, tenant.key)).body;
  expect(first['nextCursor']).toEqual(expect.any(String));
  expect(await list(`&limit=2&cursor=${first['nextCursor']}`)).toEqual([ids[0]]);
});

test('two moderators who ban and lift at once are served one after the other, and both are recorded', async () => {
  const userId = somebody();
  const made = await Promise.all([ban(userId), ban(userId), ban(userId, { spaceId: space['id'] })]);
  const lifts = await Promise.all([...made, ...made].map(({ ban: { id } }) => lift(id)));
  expect(lifts.map(({ status }) => String(status)).toSorted()).toEqual(['200', '200', '200', '409', '409', '409']);
  expect((await join(userId)).status).toBe(201);
  const { data } = (await stagedoor.get(`/v1/audit?userId=${userId}&limit=100`, tenant.key)).body;
  const acts = data.map(({ action }: Json) => action).filter((action: string) => action.startsWith('ban.'));
  expect(acts.toSorted()).toEqual([...Array(3).fill('ban.create'), ...Array(3).fill('ban.lift')]);
});

test('the same ban with the same Idempotency-Key is made once', async () => {
  const userId = somebody();
  const send = () =>
    stagedoor.request('POST', '/v1/bans', { as: tenant.key, body: { userId }, headers: { 'idempotency-key': userId } });
  const first = await send();
  expect(await send()).toMatchObject({ status: 201, body: first.body });
  expect((await stagedoor.get(`/v1/bans?userId=${userId}`, tenant.key)).body['data']).toHaveLength(1);
});

test('the same join with the same Idempotency-Key is refused after a ban', async () => {
  const userId = somebody();
  const again = () =>
    stagedoor.request('POST', `/v1/spaces/${space['id']}/join`, {
      as: tenant.key,
      body: { userId },
      headers: { 'idempotency-key': userId },
    });
  expect((await again()).status).toBe(201);
  await ban(userId);
  expectProblem(await again(), 'banned');
});

test('a tenant that shows IVS pseudonyms bans by its own user ids', async () => {
  const shy = await stagedoor.createTenant();
  await stagedoor.request('PATCH', `/v1/tenants/${shy.id}`, {
    as: Stagedoor.operatorToken,
    body: { ivsUserIds: 'pseudonym' },
  });
  const room = await stagedoor.createSpace(shy);
  const person = await enter(stagedoor, room['id'], shy.key, { userId: 'anna' });
  const made = await stagedoor.expect(201, stagedoor.post('/v1/bans', shy.key, { userId: 'anna' }));
  expect(made['action'].targets.map(({ target }: Json) => target)).toContain('anna');
  await person.chat.disconnected;
  await carriedOut(stagedoor, shy.key, made['action']);
  expect(onStage(stagedoor, room['stage'].arn)).toEqual([]);
});

test.each([
  ['a stage only', { room: false }],
  ['a room only', { stage: false }],
])('a ban works in a space with %s', async (_what, halves) => {
  const half = await stagedoor.createSpace(tenant, halves);
  const userId = somebody();
  const pass = (await join(userId, half['id'])).body;
  const { action } = await ban(userId);
  expect(action['targets'].map(({ operation }: Json) => operation)).toContain(
    pass['stage'] ? 'DisconnectParticipant' : 'DisconnectUser',
  );
});

test('a ban is possible after a space it concerns was deleted', async () => {
  const gone = await stagedoor.createSpace(tenant);
  const userId = somebody();
  await join(userId, gone['id']);
  await stagedoor.request('DELETE', `/v1/spaces/${gone['id']}`, { as: tenant.key });
  const { action } = await ban(userId);
  await until(async () => {
    const { body } = await stagedoor.get(`/v1/actions/${action['id']}`, tenant.key);
    return body['targets'].every(({ state, attempts }: Json) => state !== 'pending' || attempts === 0);
  }, 'IVS has said that nobody is there');
  expectProblem(await stagedoor.post('/v1/bans', tenant.key, { userId, spaceId: gone['id'] }), 'not_found');
});

test('the watchdog finds the bans that have no delivery, and no others', async () => {
  const watchdog = stagedoor.app.get(Watchdog);
  const { undeliveredBans } = stagedoor.app.get(Metrics);
  const found = async () => {
    await watchdog.run();
    return (await undeliveredBans.get()).values.map(({ value }) => value);
  };
  const userId = somebody();
  await join(userId);
  const { action } = await ban(userId);
  expect(await found()).toEqual([0]);
  await inDatabase(`delete from holds where action_id = '${action.id}'`);
  expect(await found()).toEqual([2]); // the stage token and the chat token
  await inDatabase(`update bans set lifted_at = now() where user_id = '${userId}'`);
  expect(await found()).toEqual([0]);
  // In pieces, it comes to the same.
  const keys = [];
  for (
    let last = { tenant_id: '', ban_id: '' };
    last.tenant_id !== null && keys.length < 1_000;
    keys.push(last.ban_id)
  ) {
    const [row] = await inDatabase(
      `select * from bans_without_hold('${last.tenant_id}', '${last.ban_id}', 2, '${JSON.stringify(limits)}')`,
    );
    last = row as typeof last;
  }
  const [all] = await inDatabase('select count(*)::int from bans where lifted_at is null');
  expect(keys.length).toBe(Math.floor((all?.['count'] as number) / 2) + 1);
});

describe('somebody who has hoarded tokens', () => {
  const states = async (userId: string) => {
    const sql = `select state, count(*)::int from grants where user_id = $1 group by 1 order by 1`;
    return (await stagedoor.database.query(sql, [userId])).map(({ state, count }) => [state, count]);
  };
  const left = () => stagedoor.database.query('select from unfinished_actions');

  test('is banned like anybody else, and does not use up what IVS allows for everybody', async () => {
    const userId = somebody();
    await hoard(stagedoor.database, tenant.id, space['id'], { userIds: [userId], each: 1_500 });
    const person = await enter(stagedoor, space['id'], tenant.key, { userId });
    const { action } = await ban(userId);
    expect(action.state).toBe('pending');
    expectProblem(await join(userId), 'banned');
    await until(
      () => !onStage(stagedoor, space['stage'].arn).includes(person.pass['stage'].participantId),
      'the participant is out',
    );
    await person.chat.disconnected;
    await until(async () => (await left()).length === 0, 'all is written down');
    const revoked = async () => (await states(userId)).some(([state]) => state === 'revoked');
    await until(revoked, 'the answer of IVS is noted');
    expect(await states(userId)).toEqual([
      ['revoked', 1],
      ['watched', 3_001],
    ]); // what IVS made, and has closed
    const [calls] = await stagedoor.database.query(
      `select count(*)::int, count(distinct target)::int as people from deliveries where operation = 'DisconnectParticipant'
          and action_id = $1`,
      [action.id],
    );
    expect(calls).toEqual({ count: 25, people: 25 });
  });

  test('gets everything back when the ban is lifted, even while it is still being written down', async () => {
    const userId = somebody();
    await hoard(stagedoor.database, tenant.id, space['id'], { userIds: [userId], each: 1_500 });
    const { ban: made, action } = await ban(userId);
    expect((await lift(made.id)).status).toBe(200);
    expect(await left()).toEqual([]);
    expect(await states(userId)).toEqual([['released', 3_000]]);
    const { body } = await stagedoor.get(`/v1/actions/${action.id}`, tenant.key);
    expect(body['state']).toBe('delivered');
    expect(await stagedoor.database.query(`select from holds where action_id = $1`, [action.id])).toEqual([]);
  });
});
