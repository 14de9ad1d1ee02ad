import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { Delivery } from '../../../src/delivery/delivery.ts';
import { carriedOut } from '../../support/actions.ts';
import { enter, onStage, type Person } from '../../support/chat.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let here: string;
let people = 0;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
  here = `/v1/spaces/${space['id']}`;
});

afterAll(async () => {
  await stagedoor.stop();
});

beforeEach(async () => {
  // IVS allows five disconnections a second; each test has them all.
  await stagedoor.database.query(`update pacing set at = at - interval '1 minute'`);
});

function somebody(): string {
  people += 1;
  return `user-${people}`;
}

async function comeIn(role = 'speaker', userId = somebody()): Promise<Person> {
  return await enter(stagedoor, space['id'], tenant.key, { userId, role });
}

function post(path: string, body: unknown = {}, as = tenant.key) {
  return stagedoor.post(path, as, body);
}

/** Sends what makes an action. Returns the action as it is when IVS has taken its calls. */
async function act(path: string, body: unknown = {}, as = tenant.key): Promise<Json> {
  const answer = await post(path, body, as);
  expect(answer.status).toBe(answer.body['state'] === 'delivered' ? 200 : 202);
  return await carriedOut(stagedoor, as, answer.body);
}

async function grantsOf(userId: string, query = ''): Promise<Json[]> {
  return (await stagedoor.expect(200, stagedoor.get(`/v1/grants?userId=${userId}${query}`, tenant.key)))['data'];
}

function isInside({ pass }: Person): boolean {
  return onStage(stagedoor, space['stage'].arn).includes(pass['stage'].participantId);
}

describe('kicks', () => {
  test('an answer waits for a call that the background has begun', async () => {
    const delivery = stagedoor.app.get(Delivery);
    const deliver = delivery.deliver.bind(delivery);
    delivery.deliver = async (...act) => {
      await Promise.all([delivery.run(), deliver(...act)]);
    };
    stagedoor.ivs.fault({ operation: 'DisconnectParticipant', effect: { delayMs: 300 }, count: 1 });
    const { pass } = await comeIn();
    const began = performance.now();
    const answer = await post(`${here}/participants/${pass['stage'].participantId}/disconnect`);
    Reflect.deleteProperty(delivery, 'deliver');
    // An answer that does not wait for IVS comes sooner than the two seconds after which Stagedoor waits no longer.
    const waited = answer.status === 200 || performance.now() - began > 1_900;
    expect({ waited, state: answer.body['state'] }).toEqual({
      waited: true,
      state: answer.status === 200 ? 'delivered' : 'pending',
    });
  });

  test('a participant is thrown off the stage, and may come back with another token', async () => {
    const person = await comeIn();
    const { participantId } = person.pass['stage'];
    expect(await act(`${here}/participants/${participantId}/disconnect`, { reason: 'noise' })).toEqual({
      id: expect.stringMatching(/^act_/),
      kind: 'participant.disconnect',
      spaceId: space['id'],
      userId: person.userId,
      reason: 'noise',
      state: 'delivered',
      targets: [
        {
          operation: 'DisconnectParticipant',
          target: participantId,
          state: 'done',
          attempts: 1,
          doneAt: expect.any(String),
        },
      ],
      targetCounts: { pending: 0, done: 1, not_connected: 0, expired: 0, stuck: 0 },
      requestedBy: { kind: 'apiKey', id: expect.stringMatching(/^key_/) },
      createdAt: expect.any(String),
      silencedAt: expect.any(String),
    });
    expect(isInside(person)).toBe(false);
    // IVS lets nobody in again by that id, so the token is good for nothing any more.
    const grants = await grantsOf(person.userId);
    expect(grants.map(({ kind, state }) => [kind, state])).toEqual(
      expect.arrayContaining([
        ['stage', 'revoked'],
        ['chat', 'live'],
      ]),
    );
    expect(person.chat.room.state).toBe('connected');
    expect(isInside(await comeIn('speaker', person.userId))).toBe(true);
    person.chat.room.disconnect();
  });

  test('a participant who is not there counts as disconnected', async () => {
    const action = await act(`${here}/participants/nobodyHere01/disconnect`);
    expect([action['state'], action['targets'][0].state]).toEqual(['delivered', 'not_connected']);
  });

  test('a user is thrown out of stage and chat, and may come back', async () => {
    const person = await comeIn();
    const action = await act(`${here}/users/${person.userId}/disconnect`);
    expect([action['kind'], action['state']]).toEqual(['user.disconnect', 'delivered']);
    expect(action['targets'].map(({ operation }: Json) => operation)).toEqual([
      'DisconnectParticipant',
      'DisconnectUser',
    ]);
    await person.chat.disconnected;
    await until(() => !isInside(person), 'the participant is out');
    const back = await comeIn('speaker', person.userId);
    expect(isInside(back)).toBe(true);
    back.chat.room.disconnect();
  });

  test('a user who came in with an older token than their last, expired since, is thrown out too', async () => {
    const userId = somebody();
    const first = await comeIn('speaker', userId);
    const second = await stagedoor.expect(201, post(`${here}/join`, { userId }));
    await stagedoor.database.query(
      `update grants set expires_at = now() - interval '1 minute' where id = '${first.pass['stage'].grantId}'`,
    );
    await post(`${here}/users/${userId}/disconnect`);
    await until(() => !isInside(first), 'the participant is out');
    expect(second['stage'].participantId).not.toBe(first.pass['stage'].participantId);
  });
});

describe.each(['plain', 'pseudonym'])('where IVS sees user ids as %s', (ivsUserIds) => {
  test('a user is thrown out of a room by a kick that the ledger knows no chat token for', async () => {
    const other = await stagedoor.createTenant();
    const patch = { as: Stagedoor.operatorToken, body: { ivsUserIds } };
    await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/tenants/${other.id}`, patch));
    const room = await stagedoor.createSpace(other, { stage: false });
    const { chat, pass } = await enter(stagedoor, room['id'], other.key, { userId: 'ann' });
    await stagedoor.database.query(`update grants set session_expires_at = now() - interval '1 minute' where id = $1`, [
      pass['chat'].grantId,
    ]);
    const action = await act(`/v1/spaces/${room['id']}/users/ann/disconnect`, { reason: 'spam' }, other.key);
    expect(action['targets']).toMatchObject([{ operation: 'DisconnectUser', target: 'ann', state: 'done' }]);
    await chat.disconnected;
  });
});

test('a kick of somebody who was never here is delivered too', async () => {
  const action = await act(`${here}/users/${somebody()}/disconnect`);
  expect(action['state']).toBe('delivered');
  expect(action['targets'].map(({ operation }: Json) => operation)).toEqual(['DisconnectUser']);
});

describe('messages and events', () => {
  test('a deleted message disappears for everybody', async () => {
    const [author, reader] = [await comeIn(), await comeIn()];
    const { id } = await author.chat.room.sendMessage(new SendMessageRequest('spam'));
    const action = await act(`${here}/messages/${id}/delete`, { reason: 'spam' });
    expect([action['kind'], action['state']]).toEqual(['message.delete', 'delivered']);
    await until(() => reader.chat.deleted.includes(id), 'the reader is told');
    author.chat.room.disconnect();
    reader.chat.room.disconnect();
  });

  test('an event reaches everybody with its attributes', async () => {
    const [one, two] = [await comeIn(), await comeIn()];
    await act(`${here}/events`, { name: 'poll', attributes: { question: 'tea?' } });
    for (const { chat } of [one, two]) {
      await until(() => chat.events.length > 0, 'the event is heard');
      expect(chat.events[0]).toMatchObject({ eventName: 'poll', attributes: { question: 'tea?' } });
      chat.room.disconnect();
    }
  });

  test.each([
    ['an event in IVS’s own name', 'events', { name: 'aws:x' }],
    ['an event without a name', 'events', {}],
    [
      'an event of the service',
      'events',
      { name: 'stagedoor:role_changed', attributes: { userId: 'u', role: 'host' } },
    ],
    ['an event of the service in other letters', 'events', { name: 'StageDoor:x' }],
    ['an event with an attribute of the service', 'events', { name: 'x', attributes: { 'stagedoor:role': 'host' } }],
    ['an event with too much in it', 'events', { name: 'x', attributes: { a: 'y'.repeat(1_025) } }],
    ['a reason of nothing', 'freeze', { reason: '' }],
  ])('%s is refused', async (_what, path, body) => {
    expectProblem(await post(`${here}/${path}`, body), 'invalid_request');
  });

  test('a space without a room has no messages, and one without a stage no participants', async () => {
    const stageOnly = await stagedoor.createSpace(tenant, { room: false });
    const roomOnly = await stagedoor.createSpace(tenant, { stage: false });
    expectProblem(await post(`/v1/spaces/${stageOnly['id']}/messages/abcdefghijkl/delete`), 'conflict');
    expectProblem(await post(`/v1/spaces/${stageOnly['id']}/events`, { name: 'x' }), 'conflict');
    expectProblem(await post(`/v1/spaces/${roomOnly['id']}/participants/abc/disconnect`), 'conflict');
    const { body } = await stagedoor.get(`/v1/spaces/${roomOnly['id']}/participants`, tenant.key);
    expect(body).toEqual({ data: [], nextCursor: null });
  });
});

describe('revoking', () => {
  test('one grant is ended and the others are left', async () => {
    const userId = somebody();
    const first = await comeIn('speaker', userId);
    const second = await comeIn('speaker', userId);
    const action = await act(`/v1/grants/${first.pass['stage'].grantId}/revoke`, { reason: 'lost phone' });
    expect(action).toMatchObject({
      state: 'delivered',
      kind: 'grants.revoke',
      userId,
      reason: 'lost phone',
      spaceId: space['id'],
    });
    await until(() => !isInside(first), 'the participant is out');
    expect(isInside(second)).toBe(true);
    const states = new Map((await grantsOf(userId)).map(({ id, state }) => [id, state]));
    expect(states.get(first.pass['stage'].grantId)).toBe('revoked');
    expect(states.get(second.pass['stage'].grantId)).toBe('live');
    await post(`/v1/grants/${first.pass['stage'].grantId}/revoke`); // a second click
    expect((await grantsOf(userId, '&state=revoked')).map(({ id }) => id)).toEqual([first.pass['stage'].grantId]);
    first.chat.room.disconnect();
    second.chat.room.disconnect();
  });

  test('all that a user was given is ended, and a new chat token waits for the call against an unused one', async () => {
    const person = await comeIn();
    const action = await act(`/v1/users/${person.userId}/revoke`);
    expect(action['state']).toBe('pending'); // the chat token could still connect
    await person.chat.disconnected;
    await until(() => !isInside(person), 'the participant is out');
    const live = await grantsOf(person.userId, '&live=true');
    expect(live.map(({ kind, state }) => [kind, state])).toEqual([['chat', 'watched']]);
    const body = { userId: person.userId, role: 'speaker' };
    expect((await post(`${here}/stage-tokens`, body)).status).toBe(201);
    const early = await post(`${here}/join`, body);
    expectProblem(early, 'unavailable');
    const seconds = Number(early.headers.get('retry-after'));
    expect([seconds > 3, seconds < 70]).toEqual([true, true]);

    await stagedoor.database.query(`update deliveries set next_at = now() where action_id = '${action['id']}'`);
    const made = async () => (await post(`${here}/join`, body)).status === 201;
    await until(made, 'the call was made, and tokens are given');
  });

  test('only what was issued before a time is ended', async () => {
    const userId = somebody();
    const old = await comeIn('speaker', userId);
    const { issuedAt } = (await grantsOf(userId))[0] ?? {};
    const issuedBefore = new Date(Date.parse(issuedAt) + 1).toISOString();
    const fresh = await comeIn('speaker', userId);
    await post(`/v1/users/${userId}/revoke`, { issuedBefore });
    await until(() => !isInside(old), 'the older is out');
    expect(isInside(fresh)).toBe(true);
    fresh.chat.room.disconnect();
  });

  test('a revocation outlasts the lifting of a ban that came after it', async () => {
    const userId = somebody();
    const pass = await stagedoor.expect(201, post(`${here}/join`, { userId }));
    await post(`/v1/users/${userId}/revoke`);
    const { ban } = await stagedoor.expect(201, post('/v1/bans', { userId }));
    await stagedoor.request('DELETE', `/v1/bans/${ban.id}`, { as: tenant.key });
    expect((await grantsOf(userId)).map(({ state }) => state)).toEqual(['watched', 'watched']);
    const { participantId } = stagedoor.ivs.join(pass['stage'].token);
    await until(() => !onStage(stagedoor, space['stage'].arn).includes(participantId), 'the participant is out');
  });

  test('tokens that are being made while everything is revoked are not handed out', async () => {
    const userId = somebody();
    const fault = stagedoor.ivs.fault({ operation: 'CreateChatToken', effect: { delayMs: 60_000 }, count: 1 });
    const joining = stagedoor.once.post(`${here}/join`, tenant.key, { userId });
    await until(() => fault.struck === 1, 'the vend is at IVS');
    await post(`/v1/users/${userId}/revoke`);
    stagedoor.ivs.clearFaults(fault.id); // IVS makes the token now
    // A machine that takes longer for this than a call to IVS may take says that IVS did not answer.
    expect(['unavailable', 'ivs_unavailable']).toContain((await joining).body['code']);
    expect(await grantsOf(userId)).toEqual([]);
  });

  test('an unknown grant is not found', async () => {
    expectProblem(await post('/v1/grants/grt_01h455vb4pex5vsknk084sn02q/revoke'), 'not_found');
  });

  test('the ledger tells live, watched, revoked and expired apart, and never a token', async () => {
    const userId = somebody();
    const names = ['live', 'watched', 'revoked', 'expired'];
    const passes = [];
    for (const _ of names) passes.push((await post(`${here}/stage-tokens`, { userId })).body);
    const [, watched, revoked, expired] = passes;
    stagedoor.ivs.join(revoked?.['token']);
    for (const pass of [watched, revoked]) await post(`/v1/grants/${pass?.['grantId']}/revoke`);
    await stagedoor.database.query(
      `update grants set expires_at = now(), session_expires_at = now() where id = '${expired?.['grantId']}'`,
    );
    let seen: unknown[][] = [];
    await until(async () => {
      seen = (await grantsOf(userId)).map(({ id, state }) => [id, state]);
      return seen.some(([, state]) => state === 'revoked');
    }, 'IVS has confirmed the revocation of the token that was used');
    expect(seen.toReversed()).toEqual(passes.map((pass, i) => [pass['grantId'], names[i]]));
    for (const name of names) expect(await grantsOf(userId, `&state=${name}`)).toHaveLength(1);
    expect((await grantsOf(userId, '&live=true')).map(({ state }) => state)).toEqual(['watched', 'live']);
    const { text } = await stagedoor.get(`/v1/grants?userId=${userId}`, tenant.key);
    for (const pass of passes) expect(text).not.toContain(pass['token']);
  });
});

test('participants are listed as IVS has them, with what the ledger knows', async () => {
  const quiet = await stagedoor.createSpace(tenant);
  const person = await enter(stagedoor, quiet['id'], tenant.key, { userId: 'ann', role: 'host' });
  const gone = await enter(stagedoor, quiet['id'], tenant.key, { userId: 'bob' });
  stagedoor.ivs.publish({ stageArn: quiet['stage'].arn, participantId: person.pass['stage'].participantId });
  stagedoor.ivs.leave({ stageArn: quiet['stage'].arn, participantId: gone.pass['stage'].participantId });
  const { status, body } = await stagedoor.get(`/v1/spaces/${quiet['id']}/participants`, tenant.key);
  expect([status, body['data']]).toEqual([
    200,
    [
      {
        kind: 'stage',
        participantId: person.pass['stage'].participantId,
        userId: 'ann',
        role: 'host',
        grantId: person.pass['stage'].grantId,
        state: 'CONNECTED',
        publishing: true,
        joinedAt: expect.any(String),
        seenAt: expect.any(String),
        certainty: 'confirmed',
      },
    ],
  ]);
  person.chat.room.disconnect();
  gone.chat.room.disconnect();
});

describe('the list of participants', () => {
  test('comes in pages, by participant id', async () => {
    const busy = await stagedoor.createSpace(tenant, { room: false });
    const ids: string[] = [];
    for (const userId of ['ann', 'bob', 'cem', 'dee', 'eli']) {
      const pass = (await post(`/v1/spaces/${busy['id']}/stage-tokens`, { userId })).body;
      stagedoor.ivs.join(pass['token']);
      ids.push(pass['participantId']);
    }
    const seen: string[][] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const path = `/v1/spaces/${busy['id']}/participants?limit=2${cursor && `&cursor=${cursor}`}`;
      const page: Json = await stagedoor.expect(200, stagedoor.get(path, tenant.key));
      seen.push(page['data'].map(({ participantId }: Json) => participantId));
      cursor = page['nextCursor'];
    }
    const sorted = ids.toSorted();
    expect(seen).toEqual([sorted.slice(0, 2), sorted.slice(2, 4), sorted.slice(4)]);
  });

  test('is asked of IVS once for all who look within a second, and anew after that', async () => {
    const watched = await stagedoor.createSpace(tenant, { room: false });
    const join = async (userId: string) => {
      const { body } = await post(`/v1/spaces/${watched['id']}/stage-tokens`, { userId });
      stagedoor.ivs.join(body['token']);
    };
    await join('ann');
    const newcomer = await post(`/v1/spaces/${watched['id']}/stage-tokens`, { userId: 'bob' });
    const look = async () => {
      const page = await stagedoor.get(`/v1/spaces/${watched['id']}/participants`, tenant.key);
      return page.body['data'].map(({ userId }: Json) => userId).sort();
    };
    // The watch asks too, for other stages.
    const calls = () =>
      stagedoor.ivs
        .journal({ operation: 'ListParticipants' })
        .filter(({ input }) => (input as Json | undefined)?.['stageArn'] === watched['stage'].arn).length;
    const before = calls();
    const began = performance.now();
    expect(await Promise.all([look(), look(), look()])).toEqual([['ann'], ['ann'], ['ann']]);
    stagedoor.ivs.join(newcomer.body['token']);
    const seen = await look();
    const asked = calls() - before;
    // On a machine that takes a second for this, the list may be a new one.
    if (performance.now() - began < 1_000) expect({ seen, asked }).toEqual({ seen: ['ann'], asked: 1 });
    await until(async () => (await look()).length === 2, 'the newcomer is seen');
    expect(await look()).toEqual(['ann', 'bob']);
  });

  test('is asked of IVS anew after a failure', async () => {
    const failing = await stagedoor.createSpace(tenant, { room: false });
    const path = `/v1/spaces/${failing['id']}/participants`;
    stagedoor.ivs.fault({ operation: 'GetStage', effect: { error: 'InternalServerException' }, count: 1 });
    expectProblem(await stagedoor.get(path, tenant.key), 'ivs_unavailable');
    await stagedoor.expect(200, stagedoor.get(path, tenant.key));
  });
});

describe('actions', () => {
  test('an action that IVS does not carry out at once is answered with 202, repeated, and told as it stands', async () => {
    const person = await comeIn();
    const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { error: 'InternalServerException' } });
    const { status, body } = await post(`${here}/users/${person.userId}/disconnect`);
    expect([status, body['state']]).toEqual([202, 'pending']);
    await until(async () => {
      const { targets } = (await stagedoor.get(`/v1/actions/${body['id']}`, tenant.key)).body;
      return targets.some(({ operation, state, lastError }: Json) => {
        return operation === 'DisconnectUser' && state === 'pending' && /Internal/.test(lastError);
      });
    }, 'the error of IVS is told');
    const pending = await stagedoor.get(`/v1/actions?spaceId=${space['id']}&state=pending`, tenant.key);
    expect(pending.body['data'].map(({ id }: Json) => id)).toContain(body['id']);
    stagedoor.ivs.clearFaults(fault.id);
    expect(await carriedOut(stagedoor, tenant.key, body)).toMatchObject({ state: 'delivered' });
    await person.chat.disconnected;
  });

  test('a call that IVS refuses the service is stuck and visible, and goes on when it is allowed', async () => {
    const person = await comeIn();
    const fault = stagedoor.ivs.fault({
      operation: 'DisconnectUser',
      effect: { error: 'AccessDeniedException', status: 403 },
    });
    const { body } = await post(`${here}/users/${person.userId}/disconnect`);
    expect(body['state']).toBe('pending');
    let stuck: Json | undefined;
    await until(async () => {
      const { targets } = (await stagedoor.get(`/v1/actions/${body['id']}`, tenant.key)).body;
      stuck = targets.find(({ state }: Json) => state === 'stuck');
      return stuck !== undefined;
    }, 'the call is stuck');
    expect(stuck).toMatchObject({ operation: 'DisconnectUser', lastError: expect.stringMatching(/AccessDenied/) });
    stagedoor.ivs.clearFaults(fault.id);
    await stagedoor.database.query(`update deliveries set next_at = now() where state = 'stuck'`);
    await person.chat.disconnected;
  });

  test.each<[string, (userId: string) => [string, Json]]>([
    ['user.disconnect', (userId) => [`${here}/users/${userId}/disconnect`, {}]],
    ['grants.revoke', (userId) => [`/v1/users/${userId}/revoke`, {}]],
    ['ban.create', (userId) => ['/v1/bans', { userId }]],
  ])('%s leaves one audit entry, also when the answer is asked for again', async (action, request) => {
    const userId = somebody();
    const [path, body] = request(userId);
    const send = () =>
      stagedoor.request('POST', path, { as: tenant.key, body, headers: { 'idempotency-key': userId } });
    const first = await send();
    expect(await send()).toMatchObject({ status: first.status, body: first.body });
    const { data } = (await stagedoor.get(`/v1/audit?userId=${userId}`, tenant.key)).body;
    expect(data.map((entry: Json) => entry['action'])).toEqual([action]);
  });

  test('another tenant’s actions are not found', async () => {
    const stranger = await stagedoor.createTenant();
    const { body } = await post(`${here}/events`, { name: 'x' });
    expectProblem(await stagedoor.get(`/v1/actions/${body['id']}`, stranger.key), 'not_found');
    expectProblem(await post(`${here}/events`, { name: 'x' }, stranger.key), 'not_found');
  });
});
