import {
  CreateChatTokenCommand,
  CreateRoomCommand,
  DeleteMessageCommand,
  DeleteRoomCommand,
  DisconnectUserCommand,
  type IvschatClient,
  SendEventCommand,
} from '@aws-sdk/client-ivschat';
import {
  type ChatError,
  DeleteMessageRequest,
  DisconnectUserRequest,
  SendMessageRequest,
} from 'amazon-ivs-chat-messaging';
import type { Emulator } from '../src/index.ts';
import { connectChat, connectWithTokens, type Heard, until } from './support/chat-room.ts';
import { chat, startEmulator } from './support/clients.ts';

let ivs: Emulator;
let client: IvschatClient;
let roomIdentifier: string;
let open: Heard[];

beforeEach(async () => {
  ivs = await startEmulator();
  client = chat(ivs);
  open = [];
  roomIdentifier = (await client.send(new CreateRoomCommand({}))).arn ?? '';
});
afterEach(async () => {
  for (const { room } of open) if (room.state !== 'disconnected') room.disconnect();
  client.destroy();
  await ivs.stop();
});

async function enter(
  userId: string,
  capabilities: ('SEND_MESSAGE' | 'DELETE_MESSAGE' | 'DISCONNECT_USER')[] = [],
  extra = {},
) {
  const heard = connectChat(client, ivs.chatUrl, { roomIdentifier, userId, capabilities, ...extra });
  open.push(heard);
  await heard.connected;
  return heard;
}

it('a message reaches everybody in the room, with the attributes of its sender', async () => {
  const ada = await enter('ada', ['SEND_MESSAGE'], { attributes: { name: 'Ada' } });
  const bob = await enter('bob');
  const sent = await ada.room.sendMessage(new SendMessageRequest('hello', { tone: 'friendly' }));
  expect(sent.content).toBe('hello');
  await until(() => bob.messages.length === 1);
  expect(bob.messages[0]).toMatchObject({
    id: sent.id,
    content: 'hello',
    attributes: { tone: 'friendly' },
    sender: { userId: 'ada', attributes: { name: 'Ada' } },
  });
});

it('a room does not receive the messages of another room', async () => {
  const ada = await enter('ada', ['SEND_MESSAGE']);
  const other = (await client.send(new CreateRoomCommand({}))).arn ?? '';
  const bob = connectChat(client, ivs.chatUrl, { roomIdentifier: other, userId: 'bob' });
  open.push(bob);
  await bob.connected;
  await ada.room.sendMessage(new SendMessageRequest('hello'));
  expect(bob.messages).toEqual([]);
});

it.each([
  ['send', (heard: Heard) => heard.room.sendMessage(new SendMessageRequest('hello'))],
  ['delete', (heard: Heard) => heard.room.deleteMessage(new DeleteMessageRequest('abcdefghijkl'))],
  ['disconnect', (heard: Heard) => heard.room.disconnectUser(new DisconnectUserRequest('ada'))],
])('a viewer may not %s', async (_what, act) => {
  const viewer = await enter('viewer');
  await expect(act(viewer)).rejects.toMatchObject({ errorCode: 403 });
});

it('a moderator deletes a message, and everybody gets the event', async () => {
  const ada = await enter('ada', ['SEND_MESSAGE']);
  const mod = await enter('mod', ['DELETE_MESSAGE']);
  const { id } = await ada.room.sendMessage(new SendMessageRequest('spam'));
  const deleted = await mod.room.deleteMessage(new DeleteMessageRequest(id, 'spam'));
  expect(deleted).toMatchObject({ messageId: id, reason: 'spam' });
  await until(() => ada.deleted.includes(id));
});

it('a moderator disconnects a user, which closes all connections of that user and no others', async () => {
  const first = await enter('troll');
  const second = await enter('troll');
  const mod = await enter('mod', ['DISCONNECT_USER']);
  await mod.room.disconnectUser(new DisconnectUserRequest('troll', 'enough'));
  expect(await first.disconnected).toBe('serverDisconnect');
  expect(await second.disconnected).toBe('serverDisconnect');
  expect(first.tokensAsked()).toBe(1);
  expect(ivs.chatConnections(roomIdentifier).map(({ userId }) => userId)).toEqual(['mod']);
});

it('the back end deletes messages, disconnects users and sends events over HTTP', async () => {
  const ada = await enter('ada');
  await client.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz', attributes: { question: '1' } }));
  await client.send(new DeleteMessageCommand({ roomIdentifier, id: 'abcdefghijkl' }));
  await until(() => ada.events.length === 1 && ada.deleted.length === 1);
  expect(ada.events[0]).toMatchObject({ eventName: 'app:quiz', attributes: { question: '1' } });
  await client.send(new DisconnectUserCommand({ roomIdentifier, userId: 'ada' }));
  expect(await ada.disconnected).toBe('serverDisconnect');
});

it('a token opens only one connection', async () => {
  const { token = '' } = await client.send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada' }));
  const first = connectWithTokens(ivs.chatUrl, async () => token);
  open.push(first);
  await first.connected;
  const second = connectWithTokens(ivs.chatUrl, async () => token);
  expect(await second.disconnected).toBe('socketError');
  expect(second.tokensAsked()).toBe(4);
});

it('a token opens no connection after its minute', async () => {
  const { token = '' } = await client.send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada' }));
  ivs.skip(61);
  const late = connectWithTokens(ivs.chatUrl, async () => token);
  expect(await late.disconnected).toBe('socketError');
});

it('a text that is not a token opens no connection', async () => {
  const stranger = connectWithTokens(ivs.chatUrl, async () => 'made.up');
  expect(await stranger.disconnected).toBe('socketError');
});

it('a connection ends with its session', async () => {
  const ada = await enter('ada', [], { sessionDurationInMinutes: 1 });
  ivs.skip(61);
  expect(await ada.disconnected).toBe('serverDisconnect');
});

it('a client whose connection was cut reconnects with a new token', async () => {
  const ada = await enter('ada');
  ivs.cutChat({ userId: 'ada' });
  await until(() => ada.tokensAsked() === 2 && ada.room.state === 'connected');
});

it('deleting a room disconnects everybody', async () => {
  const ada = await enter('ada');
  await client.send(new DeleteRoomCommand({ identifier: roomIdentifier }));
  expect(await ada.disconnected).toBe('serverDisconnect');
});

it('a room refuses messages that are too long or too many', async () => {
  const small = await client.send(new CreateRoomCommand({ maximumMessageLength: 5, maximumMessageRatePerSecond: 2 }));
  const ada = connectChat(client, ivs.chatUrl, {
    roomIdentifier: small.arn,
    userId: 'ada',
    capabilities: ['SEND_MESSAGE'],
  });
  open.push(ada);
  await ada.connected;
  await expect(ada.room.sendMessage(new SendMessageRequest('123456'))).rejects.toMatchObject({ errorCode: 400 });
  await ada.room.sendMessage(new SendMessageRequest('👩🏽‍🚀1'));
  await ada.room.sendMessage(new SendMessageRequest('two'));
  await expect(ada.room.sendMessage(new SendMessageRequest('three'))).rejects.toMatchObject({ errorCode: 429 });
});

it.each([
  ['an attribute that is no text', 400, { attributes: { n: 1 } }],
  ['a member that is no text', 400, { reason: 5 }],
  ['a frame that is too large', 413, { attributes: { n: 'x'.repeat(20_000) } }],
  ['attributes that are too large', 413, { attributes: { n: 'x'.repeat(2_000) } }],
])('the client hears that its request was refused: %s', async (_what, errorCode, members) => {
  const ada = await enter('ada', ['SEND_MESSAGE']);
  // The client passes on every member of a request.
  const request = Object.assign(new SendMessageRequest('hello'), members);
  await expect(ada.room.sendMessage(request)).rejects.toMatchObject({ errorCode });
});

it('the client hears of each request above the rate of its connection', async () => {
  ivs.setQuotas({ mode: 'on' });
  const busy = (await client.send(new CreateRoomCommand({ maximumMessageRatePerSecond: 100 }))).arn ?? '';
  const ada = connectChat(client, ivs.chatUrl, {
    roomIdentifier: busy,
    userId: 'ada',
    capabilities: ['SEND_MESSAGE'],
  });
  open.push(ada);
  await ada.connected;
  const sent = await Promise.allSettled(
    Array.from({ length: 40 }, (_, n) => ada.room.sendMessage(new SendMessageRequest(`message ${n}`))),
  );
  const refused = sent.filter((result) => result.status === 'rejected').map(({ reason }) => reason as ChatError);
  expect(sent.length - refused.length).toBeGreaterThanOrEqual(10);
  expect(refused.length).toBeGreaterThan(0);
  expect([...new Set(refused.map(({ errorCode }) => errorCode))]).toEqual([429]);
});
