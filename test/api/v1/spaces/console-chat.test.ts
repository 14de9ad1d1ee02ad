/** Chat tokens of people at the console: what they allow, and what they are for the space. */
import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { ConsoleSessions } from '../../../../src/console/console-sessions.ts';
import { connectOnce, enter } from '../../../support/chat.ts';
import { TestSession } from '../../../support/console-session.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let space: Json;
let issuerId: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  acme = await stagedoor.createTenant('acme');
  space = await stagedoor.createSpace(acme, { name: 'Late show', defaultRole: 'speaker', capacity: 1 });
  const issuer = { name: 'Staff', issuer: 'https://login.example.com/', clientId: 'console' };
  issuerId = (await stagedoor.expect(201, stagedoor.post('/v1/console-issuers', acme.key, issuer)))['id'] as string;
});
afterAll(async () => {
  await stagedoor.stop();
});

async function person(userId: string, role: string): Promise<TestSession> {
  const path = `/v1/console-users/${encodeURIComponent(userId)}`;
  await stagedoor.expect(200, stagedoor.request('PUT', path, { as: acme.key, body: { issuerId, role } }));
  const named = { tenantId: acme.id, issuerId, issuerVersion: 1, userId, name: 'Ann Lee' };
  const cookie = await stagedoor.app.get(ConsoleSessions).signInPerson(named);
  return await TestSession.with(stagedoor, cookie?.split(';')[0] ?? '');
}

const tokens = () => `/v1/spaces/${space['id']}/console-chat-tokens`;
const ask = (session: TestSession): Promise<Answer> => session.request('POST', tokens(), { body: {} });
const viewer = () => ({ issuerId, role: 'viewer' });

test('a person reads the room as their role allows, is on record, and takes no place', async () => {
  const [ann, ben] = [await person('ann', 'viewer'), await person('ben', 'moderator')];
  const guest = await enter(stagedoor, space['id'], acme.key, { userId: 'guest' }); // the space is full now
  const [reads, writes] = await Promise.all([ann, ben].map((one) => stagedoor.expect(201, ask(one))));
  expect([reads?.['userId'], reads?.['capabilities']]).toEqual(['console:ann', []]);
  expect([writes?.['userId'], writes?.['capabilities']]).toEqual(['console:ben', ['SEND_MESSAGE']]);
  expect(JSON.stringify([reads, writes])).not.toContain('Ann Lee');

  const [reader, writer] = [connectOnce(stagedoor, { chat: reads }), connectOnce(stagedoor, { chat: writes })];
  await Promise.all([reader.connected, writer.connected]);
  await writer.room.sendMessage(new SendMessageRequest('Be kind'));
  for (const { messages } of [guest.chat, reader]) {
    await until(() => messages.length > 0, 'the message is heard');
    expect(messages[0]).toMatchObject({
      content: 'Be kind',
      sender: { userId: 'console:ben', attributes: { displayName: 'Moderator', stagedoor: 'console' } },
    });
  }
  await expect(reader.room.sendMessage(new SendMessageRequest('Me too'))).rejects.toMatchObject({ errorCode: 403 });

  const { data } = await stagedoor.expect(200, ben.get(`/v1/grants?spaceId=${space['id']}&ivsUserId=console%3Aann`));
  expect(data).toMatchObject([{ kind: 'chat', userId: 'console:ann', role: 'console:viewer' }]);
  await until(async () => {
    const { body } = await ben.get('/v1/audit?userId=console%3Aann');
    const [entry] = body['data'] as Json[];
    return entry?.['action'] === 'consoleChatToken.create' && entry['caller'].id === 'ann';
  }, 'the audit log has the vend');
  expectProblem(await stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, { userId: 'late' }), 'space_full');
  for (const { room } of [guest.chat, reader, writer]) room.disconnect();
});

test('a freeze leaves a moderator in the room, and a new one comes in', async () => {
  const cat = await person('cat', 'moderator');
  const chat = connectOnce(stagedoor, { chat: await stagedoor.expect(201, ask(cat)) });
  await chat.connected;
  const freeze = (verb: string) => stagedoor.post(`/v1/spaces/${space['id']}/${verb}`, acme.key, {});
  await freeze('freeze');
  await stagedoor.expect(201, ask(cat));
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/actions?kind=space.freeze', acme.key));
  expect(JSON.stringify(data[0].targets)).not.toContain('console:cat');
  expect(chat.room.state).toBe('connected');
  await freeze('unfreeze');
  chat.room.disconnect();
});

test('a ban, another role and the removal of the person count at the next token', async () => {
  const dan = await person('dan', 'moderator');
  await stagedoor.expect(201, ask(dan));
  const { ban } = await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'console:dan' }));
  expectProblem(await ask(dan), 'banned');
  const lifting = { as: acme.key, body: {} };
  await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${ban.id}`, lifting));
  await stagedoor.expect(200, stagedoor.request('PUT', '/v1/console-users/dan', { as: acme.key, body: viewer() }));
  expect((await stagedoor.expect(201, ask(dan)))['capabilities']).toEqual([]);
  await stagedoor.expect(204, stagedoor.request('DELETE', '/v1/console-users/dan', { as: acme.key }));
  expectProblem(await ask(dan), 'unauthenticated');
});

test('a space without a chat room has no token, and nobody can take the roles of the console', async () => {
  const eve = await person('eve', 'moderator');
  const bare = await stagedoor.createSpace(acme, { room: false });
  const path = `/v1/spaces/${bare['id']}/console-chat-tokens`;
  expectProblem(await eve.request('POST', path, { body: {} }), 'forbidden');
  const asked = { userId: 'eve', role: 'console:moderator' };
  expectProblem(await stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, asked), 'invalid_request');
  const claiming = await acme.issuer.token('eve', { role: 'console:moderator' });
  const { body } = await stagedoor.post(`/v1/spaces/${space['id']}/join/explain`, acme.key, { token: claiming });
  expect(body['role']).toMatchObject({ name: 'speaker', from: 'default' });
});

test('who wrote a deleted message is on record, as far as the moderator knows', async () => {
  const fay = await person('fay', 'moderator');
  const path = `/v1/spaces/${space['id']}/messages/AbCdEfGhIjKl/delete`;
  const action = await fay.request('POST', path, { body: { userId: 'guest', reason: 'spam' } });
  expect(action.body).toMatchObject({ kind: 'message.delete', userId: 'guest', targets: [{ target: 'AbCdEfGhIjKl' }] });
  const listed = async (query: string) =>
    (await stagedoor.expect(200, stagedoor.get(`/v1/actions?${query}`, acme.key)))['data'] as Json[];
  for (const query of [
    'userId=guest',
    'userId=guest&kind=message.delete',
    `kind=message.delete&spaceId=${space['id']}`,
  ])
    expect((await listed(query)).map(({ id }) => id)).toEqual([action.body['id']]);
  expect(await listed('userId=guest&kind=ban')).toEqual([]);
});
