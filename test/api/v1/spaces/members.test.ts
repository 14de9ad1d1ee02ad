import { randomUUID } from 'node:crypto';
import { carriedOut } from '../../../support/actions.ts';
import { enter, onStage } from '../../../support/chat.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let other: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  [tenant, other] = await Promise.all([stagedoor.createTenant(), stagedoor.createTenant()]);
  space = await stagedoor.createSpace(tenant);
});

afterAll(async () => {
  await stagedoor.stop();
});

const somebody = () => `user-${randomUUID()}`;

function put(userId: string, role: string, { as = tenant.key, spaceId = space['id'] } = {}): Promise<Answer> {
  const path = `/v1/spaces/${spaceId}/members/${encodeURIComponent(userId)}`;
  return stagedoor.request('PUT', path, { as, body: { role } });
}

function remove(userId: string, { as = tenant.key, spaceId = space['id'] } = {}): Promise<Answer> {
  return stagedoor.request('DELETE', `/v1/spaces/${spaceId}/members/${encodeURIComponent(userId)}`, { as });
}

function join(userId: string, spaceId = space['id']): Promise<Answer> {
  return stagedoor.post(`/v1/spaces/${spaceId}/join`, tenant.key, { userId });
}

async function actionsOf(userId: string): Promise<Json[]> {
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/actions?limit=100', tenant.key));
  return (data as Json[]).filter((action) => action['userId'] === userId);
}

async function auditOf(userId: string): Promise<Json[]> {
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/audit?userId=${userId}`, tenant.key));
  return (data as Json[]).filter(({ action }) => String(action).startsWith('member.'));
}

const isOn = (participantId: string, on = space) => onStage(stagedoor, on['stage'].arn).includes(participantId);

describe('PUT /v1/spaces/{spaceId}/members/{userId}', () => {
  it('gives a user a role, and then another', async () => {
    const userId = 'Zoë/7 %';
    const made = await stagedoor.expect(200, put(userId, 'viewer'));
    expect(made).toEqual({ userId, role: 'viewer', createdAt: expect.any(String), updatedAt: expect.any(String) });
    const changed = await stagedoor.expect(200, put(userId, 'host'));
    expect(changed).toMatchObject({ userId, role: 'host', createdAt: made['createdAt'] });
    expect((await join(userId)).body['role']).toBe('host');
  });

  it('is one entry in the audit log, and no action if the user holds nothing', async () => {
    const userId = somebody();
    await stagedoor.expect(200, put(userId, 'host'));
    expect(await auditOf(userId)).toMatchObject([{ action: 'member.put', details: { role: 'host' } }]);
    expect(await actionsOf(userId)).toEqual([]);
  });

  it('takes effect on a user who is on the stage already, and the room is told', async () => {
    const userId = somebody();
    await stagedoor.expect(200, put(userId, 'host'));
    const { pass, chat } = await enter(stagedoor, space['id'], tenant.key, { userId });
    await stagedoor.expect(200, put(userId, 'viewer'));
    await until(() => !isOn(pass['stage'].participantId), 'the participant is out');
    await until(() => chat.events.length > 0, 'the client hears of it');
    expect(chat.events.map(({ eventName, attributes }) => ({ eventName, attributes }))).toEqual([
      { eventName: 'stagedoor:role_changed', attributes: { userId, role: 'viewer' } },
    ]);
    const [recorded = {}] = await actionsOf(userId);
    const action = await carriedOut(stagedoor, tenant.key, recorded);
    expect(action).toMatchObject({ kind: 'role.change', state: 'delivered', spaceId: space['id'] });
    expect(await auditOf(userId)).toMatchObject([{ subject: action['id'] }, { details: { role: 'host' } }]);
    chat.room.disconnect();
  });

  it('leaves a token alone that was not used and allows no more, and watches for one that does', async () => {
    const userId = somebody();
    await stagedoor.expect(200, put(userId, 'speaker'));
    const strong = (await join(userId)).body['stage'];
    await stagedoor.expect(200, put(userId, 'viewer'));
    const weak = (await join(userId)).body['stage'];
    await stagedoor.expect(200, put(userId, 'viewer'));
    stagedoor.ivs.join(weak.token);
    stagedoor.ivs.join(strong.token);
    await until(() => !isOn(strong.participantId), 'the stronger token is out');
    expect(isOn(weak.participantId)).toBe(true);
  });

  it('changes nothing if the user has the role already', async () => {
    const userId = somebody();
    await stagedoor.expect(200, put(userId, 'host'));
    await stagedoor.expect(201, join(userId));
    await stagedoor.expect(200, put(userId, 'host'));
    expect(await actionsOf(userId)).toEqual([]);
  });

  it('leaves the user’s other spaces alone', async () => {
    const userId = somebody();
    const elsewhere = await stagedoor.createSpace(tenant, { defaultRole: 'host' });
    const { stage } = (await join(userId, elsewhere['id'])).body;
    stagedoor.ivs.join(stage.token);
    await stagedoor.expect(200, put(userId, 'viewer'));
    expect(isOn(stage.participantId, elsewhere)).toBe(true);
  });

  it('refuses what is not there, and answers as if it had never been', async () => {
    const userId = somebody();
    for (const role of ['nobody', 'Host']) expectProblem(await put(userId, role), 'invalid_request');
    for (const spaceId of ['spc_x', 'spc_01h455vb4pex5vsknk084sn02q']) {
      expectProblem(await put(userId, 'host', { spaceId }), 'not_found');
    }
    expectProblem(await put(userId, 'host', { as: other.key }), 'not_found');
    expectProblem(await remove(userId), 'not_found');
    expect(await auditOf(userId)).toEqual([]);
  });
});

describe('DELETE /v1/spaces/{spaceId}/members/{userId}', () => {
  it.each([
    ['viewer', 'the space’s default, which is then the user’s', 'viewer', ['DisconnectParticipant', 'SendEvent']],
    [null, 'none, so all ends', undefined, ['DisconnectParticipant', 'DisconnectUser', 'DisconnectUser', 'SendEvent']],
  ])('leaves the role %j: %s', async (defaultRole, _, told, operations) => {
    const own = await stagedoor.createSpace(tenant, { defaultRole });
    const userId = somebody();
    await stagedoor.expect(200, put(userId, 'host', { spaceId: own['id'] }));
    const { pass, chat } = await enter(stagedoor, own['id'], tenant.key, { userId });
    const guest = await enter(stagedoor, own['id'], tenant.key, { userId: 'guest', role: 'viewer' });
    expect((await remove(userId, { spaceId: own['id'] })).status).toBe(204);
    await until(() => !isOn(pass['stage'].participantId, own), 'the participant is out');
    await until(() => guest.chat.events.some(({ eventName }) => eventName.startsWith('stagedoor:')), 'the room hears');
    const event = guest.chat.events.find(({ eventName }) => eventName === 'stagedoor:role_changed');
    expect(event?.attributes).toEqual({ userId, ...(told !== undefined && { role: told }) });
    const [action] = await actionsOf(userId);
    expect(action?.['targets'].map(({ operation }: Json) => operation)).toEqual(operations);
    expect(await auditOf(userId)).toMatchObject([{ action: 'member.delete' }, { action: 'member.put' }]);
    expect((await join(userId, own['id'])).status).toBe(told === undefined ? 403 : 201);
    for (const one of [chat, guest.chat]) one.room.disconnect();
  });

  it('is a 404 the second time, and for another tenant', async () => {
    const userId = somebody();
    await stagedoor.expect(200, put(userId, 'host'));
    expectProblem(await remove(userId, { as: other.key }), 'not_found');
    expect((await remove(userId)).status).toBe(204);
    expectProblem(await remove(userId), 'not_found');
  });
});

test('GET /v1/spaces/{spaceId}/members lists them in order, page by page', async () => {
  const own = await stagedoor.createSpace(tenant);
  for (const userId of ['c', 'a', 'b']) await stagedoor.expect(200, put(userId, 'viewer', { spaceId: own['id'] }));
  const path = `/v1/spaces/${own['id']}/members?limit=2`;
  const first = await stagedoor.expect(200, stagedoor.get(path, tenant.key));
  const second = await stagedoor.expect(200, stagedoor.get(`${path}&cursor=${first['nextCursor']}`, tenant.key));
  expect([first, second].map(({ data }) => data.map((one: Json) => one['userId']))).toEqual([['a', 'b'], ['c']]);
  expect(second['nextCursor']).toBeNull();
  expectProblem(await stagedoor.get(path, other.key), 'not_found');
});

// Last: what it has to disconnect takes IVS's rate for a while.
test.each(['ivs', 'key-pair'])(
  'however vends and demotions meet (mint %s), no token stronger than the role is left alone',
  async (mint) => {
    const own = await stagedoor.createTenant();
    if (mint === 'key-pair') await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', own.key));
    const { id: spaceId } = await stagedoor.createSpace(own, { defaultRole: null });
    const users = Array.from({ length: 40 }, somebody);
    // The service may say that it is busy when it is asked so much at once.
    const give = (userId: string, role: string) =>
      until(async () => (await put(userId, role, { as: own.key, spaceId })).status === 200, `${userId} is ${role}`);
    await Promise.all(users.map((userId) => give(userId, 'speaker')));
    const vend = async (userId: string) => {
      const body = { userId, chat: false };
      const { status } = await stagedoor.once.post(`/v1/spaces/${spaceId}/join`, own.key, body);
      expect([201, 503]).toContain(status);
    };
    await Promise.all(
      users.flatMap((userId, index) =>
        index % 2 === 0
          ? [vend(userId), give(userId, 'viewer'), vend(userId)]
          : [give(userId, 'viewer'), vend(userId), give(userId, 'viewer')],
      ),
    );
    const alone = await stagedoor.database.query(`
      select g.user_id, g.state from grants g
       where g.tenant_id = '${own.id}' and g.capabilities @> '{PUBLISH}' and g.state not in ('refused', 'revoked')
         and not exists (select from holds h where h.tenant_id = g.tenant_id and h.grant_id = g.id)`);
    expect(alone).toEqual([]);
  },
);
