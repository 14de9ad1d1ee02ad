/** The client against the real service, with the official chat client and the emulator behind. */
import { ChatRoom } from 'amazon-ivs-chat-messaging';
import { type Json, Stagedoor as Service, type TestTenant } from '../../test/support/stagedoor.ts';
import { until } from '../../test/support/until.ts';
import { createStagedoor, type Refusal, type Stagedoor, StagedoorProblem } from '../src/index.ts';

let service: Service;
let tenant: TestTenant;

beforeAll(async () => {
  service = await Service.start();
  tenant = await service.createTenant();
});
afterAll(() => service.stop());

/** A client of a user, and how often it asked the service. */
function clientOf(userId: string, more: { role?: string } = {}): { stagedoor: Stagedoor; asked: () => number } {
  let asked = 0;
  const stagedoor = createStagedoor({
    url: service.url,
    getUserToken: () => tenant.issuer.token(userId, more),
    fetch: (...request) => {
      asked += 1;
      return fetch(...request);
    },
  });
  return { stagedoor, asked: () => asked };
}

async function spaceId(): Promise<string> {
  return ((await service.createSpace(tenant)) as { id: string }).id;
}

/** Connects the official chat client. */
function enter(stagedoor: Stagedoor, id: string): { room: ChatRoom; reasons: string[]; stop: () => void } {
  const room = new ChatRoom({ regionOrUrl: service.ivs.chatUrl, tokenProvider: stagedoor.chatTokenProvider(id) });
  room.logger = { debug: () => {}, error: () => {}, info: () => {} };
  const reasons: string[] = [];
  room.addListener('disconnect', (reason) => reasons.push(reason));
  const stop = stagedoor.watchChat(id, room);
  room.connect();
  return { room, reasons, stop };
}

const connected = (room: ChatRoom) => until(() => room.state === 'connected', 'the chat client is connected');

async function ban(userId: string, space: string): Promise<Json> {
  return await service.expect(201, service.post('/v1/bans', tenant.key, { userId, spaceId: space, reason: 'spam' }));
}

it('joins with one request, however many callers there are', async () => {
  const id = await spaceId();
  const { stagedoor, asked } = clientOf('ada');
  const answers = await Promise.all(Array.from({ length: 10 }, () => stagedoor.join(id)));
  expect(answers[0]).toMatchObject({ userId: 'ada', role: 'viewer', stage: { mint: 'ivs' }, chat: {} });
  expect(new Set(answers.map(({ chat }) => chat?.token)).size).toBe(1);
  expect(asked()).toBe(1);
  expect(stagedoor.space(id).getSnapshot()).toMatchObject({ status: 'admitted', role: 'viewer', space: { id } });
});

it('lets a banned user stop for good, tells them why, and starts anew after retry()', async () => {
  const id = await spaceId();
  const { stagedoor, asked } = clientOf('bob');
  const told: Refusal[] = [];
  stagedoor.on('banned', (refusal) => told.push(refusal));
  const { room, stop } = enter(stagedoor, id);
  await connected(room);
  expect(asked()).toBe(1);

  const { ban: made } = await ban('bob', id);
  await until(() => told.length > 0, 'the client tells of the ban');
  expect(told).toEqual([
    expect.objectContaining({ type: 'banned', spaceId: id, until: null, reason: 'spam', advice: expect.any(String) }),
  ]);
  expect(stagedoor.space(id).getSnapshot()).toMatchObject({ status: 'refused', role: null, stage: null, chat: null });
  await until(() => room.state === 'disconnected', 'the chat client is disconnected');
  await expect(stagedoor.join(id)).rejects.toThrow(StagedoorProblem);
  await expect(stagedoor.join(id)).rejects.toMatchObject({ code: 'banned', status: 403 });
  expect(asked()).toBe(2);

  await service.expect(200, service.request('DELETE', `/v1/bans/${made.id}`, { as: tenant.key }));
  stagedoor.space(id).retry();
  await connected(room);
  expect(asked()).toBe(3);
  stop();
  room.disconnect();
});

it('a change of role is exchanged on the stage: the participant stays, with the new rights', async () => {
  await service.expect(201, service.post('/v1/signing-keys', tenant.key, {}));
  const made = (await service.createSpace(tenant)) as Json;
  const id = made['id'] as string;
  const { stagedoor, asked } = clientOf('zoe');
  const source = stagedoor.stageTokenSource(id);
  const { room, stop } = enter(stagedoor, id);
  const token = await source.token();
  await connected(room);
  expect(asked()).toBe(1);
  const participantId = service.ivs.join(token).participantId;
  const ref = { stageArn: made['stage'].arn as string, participantId };
  const replaced = jest.fn();
  source.onReplaced(replaced);
  source.attach({
    exchangeToken: async (next) => {
      service.ivs.exchange(ref, next);
    },
  });

  const change = (role: string) =>
    service.request('POST', `/v1/spaces/${id}/users/zoe/role`, { as: tenant.key, body: { role } });
  const mayPublish = () =>
    service.ivs.participants(ref.stageArn).find((one) => one.participantId === participantId)?.capabilities.publish;
  await change('host');
  await until(() => source.current?.capabilities.includes('PUBLISH') === true, 'the client has the rights of a host');
  expect(stagedoor.space(id).getSnapshot()).toMatchObject({ role: 'host', stage: { participantId } });
  await until(() => mayPublish() === true, 'the stage knows of it');
  service.ivs.publish(ref);
  await change('viewer');
  await until(() => mayPublish() === false, 'the rights on the stage are those of a viewer');
  expect(source.current).toMatchObject({ participantId, capabilities: ['SUBSCRIBE'], mint: 'key-pair' });
  expect(replaced).not.toHaveBeenCalled();
  expect(asked()).toBe(3);
  stop();
  source.close();
  room.disconnect();
});

it('of two pages of a user the newer one stays, and the older one does not take the place back', async () => {
  const one = await service.createTenant();
  const body = { oneLiveToken: 'newest' };
  await service.expect(200, service.request('PATCH', '/v1/settings', { as: one.key, body }));
  const made = (await service.createSpace(one)) as Json;
  const id = made['id'] as string;
  const page = () => {
    const client = createStagedoor({ url: service.url, getUserToken: () => one.issuer.token('tom') });
    return { client, ...enter(client, id) };
  };
  const older = page();
  await connected(older.room);
  // A chat token of the last minute keeps a newer one waiting.
  await service.database.query(`update grants set expires_at = now() where user_id = 'tom'`);
  const newer = page();
  await until(() => older.client.space(id).getSnapshot().isKicked, 'the older page knows that it is out');
  await connected(newer.room);
  const vended = () => service.database.query(`select id from grants where user_id = 'tom' and kind = 'chat'`);
  const before = (await vended()).length;
  // The older page would ask within two seconds.
  await new Promise((resolve) => setTimeout(resolve, 2_500));
  expect((await vended()).length).toBe(before);
  expect([older.room.state, newer.room.state]).toEqual(['disconnected', 'connected']);
  for (const { stop, room } of [older, newer]) {
    stop();
    room.disconnect();
  }
});
