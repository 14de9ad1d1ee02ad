import { randomUUID } from 'node:crypto';
import { carriedOut } from '../../../../support/actions.ts';
import { enter, onStage, type Person } from '../../../../support/chat.ts';
import { asSuperuser } from '../../../../support/database.ts';
import { expectProblem } from '../../../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../../../support/stagedoor.ts';
import { until } from '../../../../support/until.ts';

let stagedoor: Stagedoor;
/** A tenant whose stage tokens IVS makes, and one that signs its own. */
const tenants: Record<string, TestTenant> = {};
const spaces: Record<string, Json> = {};

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  for (const mint of ['ivs', 'key-pair']) {
    const made = await stagedoor.createTenant();
    tenants[mint] = made;
    if (mint === 'key-pair') await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', made.key));
    const muted = { stage: { capabilities: ['SUBSCRIBE'] }, chat: { capabilities: [] }, rank: 0 };
    await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/muted', { as: made.key, body: muted }));
    const named = {
      ...muted,
      chat: { capabilities: ['SEND_MESSAGE'] },
      attributes: { badge: 'seat', name: '{{claims.name}}' },
    };
    await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/named', { as: made.key, body: named }));
    spaces[mint] = await stagedoor.createSpace(made);
  }
});

afterAll(async () => {
  await stagedoor.stop();
});

const of = (mint: string) => ({ tenant: tenants[mint] as TestTenant, space: spaces[mint] as Json });
const keyPair = () => of('key-pair');

interface Wish {
  mint?: string;
  as?: string;
  space?: Json;
  headers?: Record<string, string>;
  /** True: the first answer counts, also if it is a 503. */
  once?: boolean;
}

function changeRole(
  userId: string,
  body: Json,
  { mint = 'key-pair', as, space, headers, once = false }: Wish = {},
): Promise<Answer> {
  const spaceId = (space ?? of(mint).space)['id'];
  const path = `/v1/spaces/${spaceId}/users/${encodeURIComponent(userId)}/role`;
  const options = { as: as ?? of(mint).tenant.key, body, ...(headers && { headers }) };
  return (once ? stagedoor.once : stagedoor).request('POST', path, options);
}

/** Changes a role. Returns the answer, with the action as it is when IVS has taken its calls. */
async function changed(userId: string, body: Json, wish: Wish = {}): Promise<Json> {
  const answer = await changeRole(userId, body, wish);
  const { action } = answer.body;
  expect(answer.status).toBe(action?.state === 'pending' ? 202 : 200);
  const key = wish.as ?? of(wish.mint ?? 'key-pair').tenant.key;
  return { ...answer.body, action: action && (await carriedOut(stagedoor, key, action)) };
}

/** A new user who has entered with a role, and publishes if the role allows it. */
async function arrive(
  role: string,
  { mint = 'key-pair', space = of(mint).space }: Wish = {},
): Promise<Person & { ref: Ref }> {
  const userId = `user-${randomUUID()}`;
  const { tenant } = of(mint);
  const member = `/v1/spaces/${space['id']}/members/${userId}`;
  await stagedoor.expect(200, stagedoor.request('PUT', member, { as: tenant.key, body: { role } }));
  const person = await enter(stagedoor, space['id'], tenant.key, { userId });
  const ref = { stageArn: space['stage'].arn, participantId: person.pass['stage'].participantId };
  if (person.pass['stage'].capabilities.includes('PUBLISH')) stagedoor.ivs.publish(ref);
  return { ...person, ref };
}

interface Ref {
  stageArn: string;
  participantId: string;
}

const isOn = ({ stageArn, participantId }: Ref) => onStage(stagedoor, stageArn).includes(participantId);
const publishes = ({ stageArn, participantId }: Ref) =>
  stagedoor.ivs.participants(stageArn).some((one) => one.participantId === participantId && one.publishing);

/** Lets the time until a demoted participant is looked at (again) be over, in the database. */
async function skipToNextLook({ participantId }: Ref): Promise<void> {
  // In one transaction, and in the order in which the service takes them.
  await stagedoor.database.query(`
    update watches set next_at = now()
     where space_id in (select space_id from holds where participant_id = '${participantId}');
    update holds set watch_from = now() where participant_id = '${participantId}'`);
}

/** How often a participant's events have been asked for. */
const looks = ({ participantId }: Ref) =>
  stagedoor.ivs
    .journal({ operation: 'ListParticipantEvents' })
    .filter(({ input }) => (input as { participantId?: string }).participantId === participantId).length;

/** Waits until a look has found the participant in order: another one follows it. */
async function isLookedAtTwice(ref: Ref): Promise<void> {
  for (const _ of [1, 2]) {
    const before = looks(ref);
    await skipToNextLook(ref);
    await until(() => looks(ref) > before, 'the participant is looked at');
  }
}

const operations = (action: Json) => (action['targets'] as Json[]).map(({ operation, state }) => [operation, state]);

async function grantsOf(userId: string, mint = 'key-pair'): Promise<string[]> {
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/grants?userId=${userId}`, of(mint).tenant.key));
  return (data as Json[]).map(({ kind, role, state }) => `${kind} ${role} ${state}`).sort();
}

describe('an API key demotes a publisher', () => {
  test('with a token that IVS made: the participant is out, and the room is told', async () => {
    const { ref, userId, chat } = await arrive('host', { mint: 'ivs' });
    const body = { role: 'viewer', reason: 'the show is over' };
    const change = await changed(userId, body, { mint: 'ivs' });
    expect(change).toMatchObject({
      member: { userId, role: 'viewer' },
      action: {
        kind: 'role.change',
        state: 'delivered',
        userId,
        spaceId: of('ivs').space['id'],
        reason: 'the show is over',
      },
      exchange: null,
    });
    expect(operations(change['action'])).toEqual([
      ['DisconnectParticipant', 'done'],
      ['SendEvent', 'done'],
    ]);
    expect(isOn(ref)).toBe(false);
    await until(() => chat.events.length > 0, 'the client hears of it');
    expect(chat.events.map(({ eventName, attributes }) => ({ eventName, attributes }))).toEqual([
      { eventName: 'stagedoor:role_changed', attributes: { userId, role: 'viewer' } },
    ]);
    expect(await grantsOf(userId, 'ivs')).toEqual(['chat host live', 'stage host revoked']);
    const next = await stagedoor.expect(
      201,
      stagedoor.post(`/v1/spaces/${of('ivs').space['id']}/join`, of('ivs').tenant.key, { userId }),
    );
    expect(next).toMatchObject({ role: 'viewer', stage: { capabilities: ['SUBSCRIBE'] } });
    chat.room.disconnect();
  });

  test('with a token that Stagedoor signed: a participant who exchanges it stays, and sends no more', async () => {
    const { ref, userId, chat } = await arrive('host');
    const { exchange, action } = await changed(userId, { role: 'viewer' });
    expect(exchange).toEqual({
      grantId: expect.stringMatching(/^grt_/),
      token: expect.any(String),
      participantId: ref.participantId,
      capabilities: ['SUBSCRIBE'],
      attributes: {},
      expiresAt: expect.any(String),
      mint: 'key-pair',
    });
    expect(operations(action)).toEqual([['SendEvent', 'done']]);
    expect(publishes(ref)).toBe(true);
    stagedoor.ivs.exchange(ref, exchange.token);
    expect(publishes(ref)).toBe(false);
    await isLookedAtTwice(ref);
    expect(isOn(ref)).toBe(true);
    expect(new Set(await grantsOf(userId))).toEqual(
      new Set(['chat host live', 'stage host watched', 'stage viewer live']),
    );
    chat.room.disconnect();
  });

  test('a client gets its own token to exchange, for more rights and for fewer', async () => {
    const { ref, userId, chat } = await arrive('viewer');
    const { tenant, space } = of('key-pair');
    const renew = async (body: Json) =>
      (
        await stagedoor.expect(
          201,
          stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId, chat: false, ...body }),
        )
      )['stage'] as Json;
    await changed(userId, { role: 'host' });
    const more = await renew({ participantId: ref.participantId });
    expect(more).toMatchObject({ participantId: ref.participantId, capabilities: ['PUBLISH', 'SUBSCRIBE'] });
    stagedoor.ivs.exchange(ref, more['token']);
    stagedoor.ivs.publish(ref);

    await changed(userId, { role: 'viewer' });
    const fewer = await renew({ participantId: ref.participantId });
    expect(fewer).toMatchObject({ participantId: ref.participantId, capabilities: ['SUBSCRIBE'] });
    stagedoor.ivs.exchange(ref, fewer['token']);
    expect(publishes(ref)).toBe(false);
    await isLookedAtTwice(ref);
    expect(isOn(ref)).toBe(true);

    // Nobody gets a token for the participant of somebody else, and nobody one for a participant who was disconnected.
    const stranger = await renew({ userId: 'stranger', participantId: ref.participantId });
    expect(stranger['participantId']).not.toBe(ref.participantId);
    const disconnect = `/v1/spaces/${space['id']}/participants/${ref.participantId}/disconnect`;
    await stagedoor.post(disconnect, tenant.key, {});
    expect((await renew({ participantId: ref.participantId }))['participantId']).not.toBe(ref.participantId);
    chat.room.disconnect();
  });

  test('the exchange token does not wait for IVS to be told of the change', async () => {
    const { userId, chat } = await arrive('host');
    const { id } = stagedoor.ivs.fault({ operation: 'SendEvent', effect: { delayMs: 1_500 } });
    const change = await stagedoor.expect(202, changeRole(userId, { role: 'viewer' }));
    stagedoor.ivs.clearFaults(id);
    expect(change['exchange'].capabilities).toEqual(['SUBSCRIBE']);
    expect(operations(change['action'])).toEqual([['SendEvent', 'pending']]);
    chat.room.disconnect();
  });

  test('the exchange token is not lost if the database takes more than the second, and IVS hangs', async () => {
    const { userId, chat } = await arrive('host');
    const { id } = stagedoor.ivs.fault({ operation: 'SendEvent', effect: { delayMs: 1_500 } });
    const isHeld = `select from pg_locks where relation = 'members'::regclass and mode = 'ExclusiveLock' and granted`;
    const holding = stagedoor.database.query(
      'begin; lock table members in exclusive mode; select pg_sleep(1.2); commit',
    );
    await until(async () => (await stagedoor.database.query(isHeld)).length > 0, 'the table is locked');
    const change = await stagedoor.expect(202, changeRole(userId, { role: 'viewer' }));
    await holding;
    stagedoor.ivs.clearFaults(id);
    expect(change['exchange']).toMatchObject({ capabilities: ['SUBSCRIBE'] });
    chat.room.disconnect();
  });

  test('an exchange token that was withheld, because its answer was too late, is there for a repeated request', async () => {
    const { ref, userId, chat } = await arrive('host');
    const body = { role: 'viewer' };
    let headers = {};
    const isWithheld = async (): Promise<boolean> => {
      const key = randomUUID();
      headers = { 'idempotency-key': key };
      const fault = stagedoor.ivs.fault({ operation: 'SendEvent', effect: { delayMs: 600 }, count: 1 });
      let late: Answer | undefined;
      await asSuperuser(stagedoor.database.name, async (client) => {
        const changing = changeRole(userId, body, { headers, once: true });
        await until(() => fault.struck === 1, 'the change is on record');
        // A slow machine does not use up the time to exchange.
        const later = `update holds set watch_from = now() + interval '1 hour' where participant_id = $1`;
        await client.query(later, [ref.participantId]);
        await client.query('begin');
        await client.query('select from idempotency_keys where key = $1 for update', [key]);
        late = await changing;
        await client.query('rollback');
      });
      return late?.status === 503;
    };
    await until(isWithheld, 'an answer is not stored in time, because its key was locked before');
    const again = await changeRole(userId, body, { headers, once: true });
    expect([200, 202]).toContain(again.status);
    stagedoor.ivs.exchange(ref, again.body['exchange'].token);
    await isLookedAtTwice(ref);
    expect([isOn(ref), publishes(ref)]).toEqual([true, false]);
    chat.room.disconnect();
  });

  test('the exchange token has the attributes of the role and of the request', async () => {
    const { userId, chat } = await arrive('host');
    const body = { role: 'named', attributes: { name: 'Ada', seat: '7' } };
    const { exchange } = await changed(userId, body);
    expect(exchange.attributes).toEqual({ badge: 'seat', name: 'Ada', seat: '7' });
    const tooMuch = await changeRole(userId, { role: 'named', attributes: { name: 'x'.repeat(1_020) } });
    expectProblem(tooMuch, 'invalid_request');
    chat.room.disconnect();
  });

  test.each<[string, (ref: Ref, tokens: { old: string; lesser: string }) => void]>([
    ['keeps the old token', () => undefined],
    [
      'exchanges, and then exchanges back',
      (ref, { old, lesser }) => {
        stagedoor.ivs.exchange(ref, lesser);
        stagedoor.ivs.exchange(ref, old);
      },
    ],
    [
      'exchanges, leaves, and comes back with the old token to send again',
      (ref, { old, lesser }) => {
        stagedoor.ivs.exchange(ref, lesser);
        stagedoor.ivs.leave(ref);
        stagedoor.ivs.join(old);
        stagedoor.ivs.publish(ref);
      },
    ],
  ])('a participant who %s is disconnected', async (_, act) => {
    const { ref, userId, pass, chat } = await arrive('host');
    const { exchange, action } = await changed(userId, { role: 'viewer' });
    act(ref, { old: pass['stage'].token, lesser: exchange.token });
    expect(isOn(ref)).toBe(true);
    expect(looks(ref)).toBe(0); // there is time to exchange
    await skipToNextLook(ref);
    await until(() => !isOn(ref), 'the participant is out');
    let told: Json = {};
    await until(async () => {
      told = await stagedoor.expect(200, stagedoor.get(`/v1/actions/${action['id']}`, keyPair().tenant.key));
      return told['state'] === 'delivered';
    }, 'the answer of IVS is noted');
    expect(operations(told)).toEqual([
      ['SendEvent', 'done'],
      ['DisconnectParticipant', 'done'],
    ]);
    chat.room.disconnect();
  });

  test('a participant who goes back to the old token later is disconnected then', async () => {
    const { ref, userId, pass, chat } = await arrive('host');
    const { exchange } = await changed(userId, { role: 'viewer' });
    stagedoor.ivs.exchange(ref, exchange.token);
    await isLookedAtTwice(ref);
    stagedoor.ivs.exchange(ref, pass['stage'].token);
    await until(() => !isOn(ref), 'the participant is out');
    chat.room.disconnect();
  });

  test('a participant who exchanges and comes back with the lesser token stays', async () => {
    const { ref, userId, chat } = await arrive('host');
    const { exchange } = await changed(userId, { role: 'viewer' });
    stagedoor.ivs.leave(ref);
    stagedoor.ivs.join(exchange.token);
    await isLookedAtTwice(ref);
    expect(isOn(ref)).toBe(true);
    chat.room.disconnect();
  });

  test('the user’s other participants are disconnected, because a token to exchange is for one participant', async () => {
    const first = await arrive('host');
    const second = await enter(stagedoor, keyPair().space['id'], keyPair().tenant.key, { userId: first.userId });
    const { exchange } = await changed(first.userId, { role: 'viewer' });
    expect(exchange.participantId).toBe(second.pass['stage'].participantId);
    expect([isOn(first.ref), isOn({ ...first.ref, participantId: exchange.participantId })]).toEqual([false, true]);
    for (const { chat } of [first, second]) chat.room.disconnect();
  });

  test('the chat connection is closed too if the new role allows less in chat', async () => {
    const { userId, chat } = await arrive('viewer');
    const { action } = await changed(userId, { role: 'muted' });
    expect(operations(action)).toEqual([
      ['DisconnectUser', 'done'],
      ['DisconnectUser', 'pending'], // once the token can connect no more
      ['SendEvent', 'done'],
    ]);
    await chat.disconnected;
  });

  test('calls that IVS does not take at once are repeated, and the answer is 202', async () => {
    const { ref, userId, chat } = await arrive('host', { mint: 'ivs' });
    const { id } = stagedoor.ivs.fault({
      operation: 'DisconnectParticipant',
      effect: { error: 'InternalServerException' },
    });
    const { action } = await stagedoor.expect(202, changeRole(userId, { role: 'viewer' }, { mint: 'ivs' }));
    expect(action['state']).toBe('pending');
    stagedoor.ivs.clearFaults(id);
    await until(() => !isOn(ref), 'the participant is out');
    chat.room.disconnect();
  });
});

describe('an API key promotes a viewer', () => {
  test.each(['ivs', 'key-pair'])('of mint %s: nothing is revoked', async (mint) => {
    const { ref, userId, chat } = await arrive('viewer', { mint });
    const { action, exchange } = await changed(userId, { role: 'speaker' }, { mint });
    expect(operations(action)).toEqual([['SendEvent', 'done']]);
    expect(isOn(ref)).toBe(true);
    if (mint === 'ivs') expect(exchange).toBeNull();
    else {
      expect(() => stagedoor.ivs.publish(ref)).toThrow(expect.objectContaining({ code: 'INSUFFICIENT_CAPABILITIES' }));
      stagedoor.ivs.exchange(ref, exchange.token);
      stagedoor.ivs.publish(ref);
      expect(publishes(ref)).toBe(true);
    }
    chat.room.disconnect();
  });

  test('the watch that an earlier demotion has set is cancelled', async () => {
    const { ref, userId, chat } = await arrive('host');
    await changed(userId, { role: 'viewer' });
    await changed(userId, { role: 'host' });
    expect(
      await stagedoor.database.query(`
      select from holds h join grants g on g.id = h.grant_id where g.participant_id = '${ref.participantId}'`),
    ).toEqual([]);
    const grants = await grantsOf(userId);
    expect(grants.length).toBeGreaterThanOrEqual(4);
    expect(new Set(grants)).toEqual(new Set(['chat host live', 'stage host live', 'stage viewer live']));
    chat.room.disconnect();
  });
});

test('the role of a user who holds nothing is noted, and nothing else happens', async () => {
  const userId = `user-${randomUUID()}`;
  const change = await stagedoor.expect(200, changeRole(userId, { role: 'host', reason: 'keeps the door' }));
  expect(change).toMatchObject({ member: { userId, role: 'host' }, action: null, exchange: null });
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/audit?userId=${userId}`, keyPair().tenant.key));
  expect(data).toMatchObject([{ action: 'role.change', details: { role: 'host', reason: 'keeps the door' } }]);
});

test('a change is one entry in the audit log, and never holds the token', async () => {
  const { userId, chat } = await arrive('host');
  const { action, exchange } = await changed(userId, { role: 'viewer' });
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/audit?userId=${userId}`, keyPair().tenant.key));
  const entries = (data as Json[]).filter((entry) => entry['action'] === 'role.change');
  expect(entries[0]).toMatchObject({ subject: action.id, details: { role: 'viewer' } });
  expect(new Set(entries.map(({ subject }) => subject)).size).toBe(entries.length);
  expect(JSON.stringify(data)).not.toContain(exchange.token);
  chat.room.disconnect();
});

test('a repeated request gets a new token, because none is kept', async () => {
  const { userId, chat } = await arrive('host');
  const headers = { 'idempotency-key': randomUUID() };
  const first = await changed(userId, { role: 'viewer' }, { headers });
  const again = await changed(userId, { role: 'viewer' }, { headers });
  expect(again['exchange']).toMatchObject({ participantId: first['exchange'].participantId });
  expect(again['exchange'].grantId).not.toBe(first['exchange'].grantId);
  chat.room.disconnect();
});

test('a token that IVS is making for the old role is not handed out', async () => {
  const { userId, chat } = await arrive('host', { mint: 'ivs' });
  const { id } = stagedoor.ivs.fault({ operation: 'CreateParticipantToken', effect: { delayMs: 60_000 } });
  const { tenant, space } = of('ivs');
  const asked = stagedoor.ivs.journal({ operation: 'CreateParticipantToken' }).length;
  const vend = stagedoor.once.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, { userId });
  const pending = `select from grants where user_id = '${userId}' and state = 'pending'`;
  await until(async () => (await stagedoor.database.query(pending)).length > 0, 'the vend is under way');
  await changed(userId, { role: 'viewer' }, { mint: 'ivs' });
  stagedoor.ivs.clearFaults(id); // IVS makes the token now
  // A machine that takes longer for this than a call to IVS may take says that IVS did not answer.
  expect(['unavailable', 'ivs_unavailable']).toContain((await vend).body['code']);
  await until(
    () => stagedoor.ivs.journal({ operation: 'CreateParticipantToken' }).length > asked,
    'IVS has made the token',
  );
  expect(stagedoor.ivs.journal({ operation: 'CreateParticipantToken' })).toHaveLength(asked + 1);
  chat.room.disconnect();
});

describe('no token to exchange is given', () => {
  test('to a banned user, whose ban is lifted later: the role change still holds', async () => {
    const { userId, chat } = await arrive('host');
    const { tenant } = keyPair();
    const { ban } = await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId }));
    const { exchange } = await stagedoor.expect(202, changeRole(userId, { role: 'muted' }));
    expect(exchange).toBeNull();
    await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${ban.id}`, { as: tenant.key, body: {} }));
    expect(await grantsOf(userId)).toEqual(['chat host watched', 'stage host watched']);
    await chat.disconnected;
  });

  test('in a frozen space, but to moderators', async () => {
    const space = await stagedoor.createSpace(keyPair().tenant);
    const guest = await arrive('viewer', { space });
    await stagedoor.expect(202, stagedoor.post(`/v1/spaces/${space['id']}/freeze`, keyPair().tenant.key));
    expect((await changeRole(guest.userId, { role: 'speaker' }, { space })).body['exchange']).toBeNull();
    expect((await changed(guest.userId, { role: 'moderator' }, { space }))['exchange']).not.toBeNull();
    await guest.chat.disconnected;
  });

  test('where the role has no part in stages', async () => {
    const { ref, userId, chat } = await arrive('host');
    const body = { chat: { capabilities: ['SEND_MESSAGE'] } };
    await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/chatter', { as: keyPair().tenant.key, body }));
    const { exchange } = await changed(userId, { role: 'chatter' });
    expect(exchange).toBeNull();
    expect(isOn(ref)).toBe(false);
    chat.room.disconnect();
  });
});

describe('an app user who moderates', () => {
  async function as(role: string): Promise<{ userId: string; token: string }> {
    const userId = `user-${randomUUID()}`;
    const { tenant, space } = keyPair();
    const path = `/v1/spaces/${space['id']}/members/${userId}`;
    await stagedoor.expect(200, stagedoor.request('PUT', path, { as: tenant.key, body: { role } }));
    return { userId, token: await tenant.issuer.token(userId) };
  }

  test('demotes a user of lower rank, and gets no token for them: the participant with the stronger one is out', async () => {
    const { ref, userId, chat } = await arrive('speaker');
    const { token } = await as('moderator');
    const change = await changed(userId, { role: 'viewer' }, { as: token });
    expect(change).toMatchObject({ member: { role: 'viewer' }, exchange: null });
    expect(isOn(ref)).toBe(false);
    chat.room.disconnect();
  });

  test.each([
    ['moderator', 'host', 'viewer', 'act on a higher rank'],
    ['moderator', 'moderator', 'viewer', 'act on their own rank'],
    ['moderator', 'viewer', 'host', 'give a higher rank'],
    ['moderator', 'viewer', 'moderator', 'give their own rank'],
    ['viewer', 'viewer', 'viewer', 'do not moderate'],
  ])('%s may not give a %s the role %s: they %s', async (own, theirs, wanted) => {
    const target = await as(theirs);
    const { token } = await as(own);
    expectProblem(await changeRole(target.userId, { role: wanted }, { as: token }), 'forbidden');
  });

  test('does not change their own role, nor set attributes', async () => {
    const { userId, token } = await as('moderator');
    const target = await as('viewer');
    expectProblem(await changeRole(userId, { role: 'viewer' }, { as: token }), 'forbidden');
    const body = { role: 'speaker', attributes: { name: 'Ada' } };
    expectProblem(await changeRole(target.userId, body, { as: token }), 'forbidden');
  });

  test('may act on somebody who was of higher rank until they were demoted', async () => {
    const { userId, chat } = await arrive('host');
    const { token } = await as('moderator');
    expectProblem(await changeRole(userId, { role: 'viewer' }, { as: token }), 'forbidden');
    await changed(userId, { role: 'speaker' });
    await changed(userId, { role: 'viewer' }, { as: token });
    chat.room.disconnect();
  });
});

test('the room hears of the user as IVS knows them', async () => {
  const tenant = await stagedoor.createTenant(undefined, {});
  await stagedoor.expect(
    200,
    stagedoor.request('PATCH', `/v1/tenants/${tenant.id}`, {
      as: Stagedoor.operatorToken,
      body: { ivsUserIds: 'pseudonym' },
    }),
  );
  const space = await stagedoor.createSpace(tenant);
  const { chat, pass } = await enter(stagedoor, space['id'], tenant.key, { userId: 'ada@example.com' });
  await changed('ada@example.com', { role: 'speaker' }, { as: tenant.key, space });
  await until(() => chat.events.length > 0, 'the client hears of it');
  const participant = stagedoor.ivs
    .participants(space['stage'].arn)
    .find(({ participantId }) => participantId === pass['stage'].participantId);
  expect(chat.events[0]?.attributes).toEqual({ userId: participant?.userId, role: 'speaker' });
  expect(participant?.userId).not.toContain('ada');
  chat.room.disconnect();
});

test('another tenant’s space, user and role are not there', async () => {
  const { userId, ref, chat } = await arrive('host');
  const foreign = await changeRole(userId, { role: 'viewer' }, { as: of('ivs').tenant.key });
  expectProblem(foreign, 'not_found');
  expect(isOn(ref)).toBe(true);
  const spaceOfOurs = { mint: 'ivs' };
  expect((await stagedoor.expect(200, changeRole(userId, { role: 'host' }, spaceOfOurs)))['action']).toBeNull();
  const body = { stage: { capabilities: ['PUBLISH'] } };
  await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/only-ours', { as: of('ivs').tenant.key, body }));
  for (const role of ['only-ours', 'never-was']) expectProblem(await changeRole(userId, { role }), 'invalid_request');
  chat.room.disconnect();
});

test('a role that is changed back while a call hangs at IVS waits for the call, so that the user is not disconnected afterwards', async () => {
  const person = await arrive('host', { mint: 'ivs' });
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { delayMs: 1_000 }, count: 1 });
  const demoting = changeRole(person.userId, { role: 'muted' }, { mint: 'ivs' });
  await until(() => fault.struck === 1, 'the call is at IVS');
  const answer = await changeRole(person.userId, { role: 'host' }, { mint: 'ivs' });
  expect([200, 202]).toContain(answer.status);
  const ended = stagedoor.ivs.journal({ operation: 'DisconnectUser' }).filter((call) => call.fault === fault.id);
  expect(ended).toHaveLength(1);
  await demoting;
  const { tenant, space } = of('ivs');
  const back = await enter(stagedoor, space['id'], tenant.key, { userId: person.userId });
  const pending = `/v1/actions?spaceId=${space['id']}&state=pending`;
  await until(async () => (await stagedoor.get(pending, tenant.key)).body['data'].length === 0, 'all is done');
  expect(back.chat.room.state).toBe('connected');
  back.chat.room.disconnect();
});
