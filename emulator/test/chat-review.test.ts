import { CreateRoomCommand, type IvschatClient, SendEventCommand, UpdateRoomCommand } from '@aws-sdk/client-ivschat';
import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { ControlError, type Emulator, type ReviewEvent } from '../src/index.ts';
import { connectChat, type Heard, until } from './support/chat-room.ts';
import { chat, startEmulator } from './support/clients.ts';
import { Endpoint, type EndpointAnswer } from './support/endpoint.ts';

const LAMBDA = 'arn:aws:lambda:us-west-2:111122223333:function:review';

let ivs: Emulator;
let client: IvschatClient;
let lambda: Endpoint<ReviewEvent>;
let open: Heard[];

beforeEach(async () => {
  lambda = await Endpoint.start();
  ivs = await startEmulator({ reviewHandlers: { [LAMBDA]: lambda.url } });
  client = chat(ivs);
  open = [];
});
afterEach(async () => {
  for (const { room } of open) if (room.state !== 'disconnected') room.disconnect();
  client.destroy();
  await ivs.stop();
  await lambda[Symbol.asyncDispose]();
});

async function reviewedRoom(fallbackResult?: 'ALLOW' | 'DENY', limits = {}): Promise<string> {
  const room = await client.send(
    new CreateRoomCommand({ messageReviewHandler: { uri: LAMBDA, fallbackResult }, ...limits }),
  );
  return room.arn ?? '';
}

async function enter(roomIdentifier: string, userId: string, attributes = {}): Promise<Heard> {
  const heard = connectChat(client, ivs.chatUrl, {
    roomIdentifier,
    userId,
    attributes,
    capabilities: ['SEND_MESSAGE'],
  });
  open.push(heard);
  await heard.connected;
  return heard;
}

const say = (heard: Heard, content: string, attributes?: Record<string, string>) =>
  heard.room.sendMessage(new SendMessageRequest(content, attributes));

it('the handler gets the message, the room, the sender and their address, and allows the message', async () => {
  lambda.answer = () => ({ json: { ReviewResult: 'ALLOW' } });
  const room = await reviewedRoom();
  const ada = await enter(room, 'ada', { name: 'Ada' });
  const sent = await say(ada, 'hello', { tone: 'friendly' });
  expect(sent).toMatchObject({ content: 'hello', attributes: { tone: 'friendly' } });
  expect(lambda.received.map(({ body }) => body)).toEqual([
    {
      Content: 'hello',
      MessageId: sent.id,
      RoomArn: room,
      Attributes: { tone: 'friendly' },
      Sender: { UserId: 'ada', Attributes: { name: 'Ada' }, Ip: '127.0.0.1' },
    },
  ]);
});

it('the handler can change content and attributes, and everybody gets the changed message', async () => {
  lambda.answer = ({ Content }) => ({
    json: { ReviewResult: 'ALLOW', Content: Content.replace('heck', '****'), Attributes: { moderated: 'yes' } },
  });
  const room = await reviewedRoom();
  const ada = await enter(room, 'ada');
  const bob = await enter(room, 'bob');
  const sent = await say(ada, 'what the heck', { tone: 'rude' });
  expect(sent).toMatchObject({ content: 'what the ****', attributes: { moderated: 'yes' } });
  await until(() => bob.messages.length === 1);
  expect(bob.messages[0]).toMatchObject({ content: 'what the ****', attributes: { moderated: 'yes' } });
});

it.each([
  ['the reason of the handler', { Attributes: { Reason: 'no links here' } }, 'no links here'],
  ['a default reason if the handler gives none', {}, 'the message was rejected in review'],
])('a denied message is refused with 406 and %s, and nobody else gets it', async (_case, extra, errorMessage) => {
  lambda.answer = ({ Content }) => ({ json: { ReviewResult: Content === 'spam' ? 'DENY' : 'ALLOW', ...extra } });
  const room = await reviewedRoom('ALLOW');
  const ada = await enter(room, 'ada');
  const bob = await enter(room, 'bob');
  await expect(say(ada, 'spam')).rejects.toMatchObject({ errorCode: 406, errorMessage });
  // The error names the message by the id that the handler got.
  const again = say(ada, 'spam');
  await expect(again).rejects.toHaveProperty('errorCode', 406);
  expect(await again.catch(({ id }: { id: string }) => id)).toBe(lambda.received.at(-1)?.body.MessageId);
  await say(ada, 'sorry');
  await until(() => bob.messages.length > 0);
  expect(bob.messages.map(({ content }) => content)).toEqual(['sorry']);
  expect(ivs.journal({ operation: 'SEND_MESSAGE' }).map(({ status }) => status)).toEqual([406, 406, 200]);
});

const FAILURES: [string, () => EndpointAnswer][] = [
  ['fails', () => ({ status: 500, json: { ReviewResult: 'ALLOW' } })],
  ['does not exist', () => ({ status: 404, json: {} })],
  ['does not answer', () => 'never'],
  ['answers a text that is not JSON', () => ({ text: 'ALLOW' })],
  ['answers null', () => ({ text: 'null' })],
  ['leaves out the result', () => ({ json: { Content: 'x' } })],
  ['answers another result', () => ({ json: { ReviewResult: 'MAYBE' } })],
  ['changes the content to a number', () => ({ json: { ReviewResult: 'ALLOW', Content: 5 } })],
  ['changes the content to one that is too long', () => ({ json: { ReviewResult: 'ALLOW', Content: 'abcdef' } })],
  ['changes an attribute to a number', () => ({ json: { ReviewResult: 'ALLOW', Attributes: { n: 1 } } })],
  ['answers more bytes than allowed', () => ({ text: `"${'x'.repeat(200_000)}"` })],
];

it.each(FAILURES)('when the handler %s, the fallback decides', async (_how, answer) => {
  lambda.answer = answer;
  const lenient = await enter(await reviewedRoom(undefined, { maximumMessageLength: 5 }), 'ada');
  expect(await say(lenient, 'hello')).toMatchObject({ content: 'hello' });
  const strict = await enter(await reviewedRoom('DENY', { maximumMessageLength: 5 }), 'ada');
  await expect(say(strict, 'hello')).rejects.toMatchObject({ errorCode: 406 });
});

it('the handler has 200 ms, and other messages do not wait for it', async () => {
  lambda.answer = ({ Content }) => (Content === 'slow' ? 'never' : { json: { ReviewResult: 'ALLOW' } });
  const ada = await enter(await reviewedRoom(), 'ada');
  const startedAt = performance.now();
  const slow = say(ada, 'slow').then(() => performance.now() - startedAt);
  await say(ada, 'fast');
  // The handler never answers: without a limit the slow message would never come.
  expect(await slow).toBeGreaterThan(190);
  expect(ada.messages.map(({ content }) => content)).toEqual(['fast', 'slow']);
});

it('the fallback decides when a handler has no endpoint', async () => {
  ivs.setReviewHandlers({});
  const strict = await enter(await reviewedRoom('DENY'), 'ada');
  await expect(say(strict, 'hello')).rejects.toMatchObject({ errorCode: 406 });
});

it('events are not reviewed', async () => {
  lambda.answer = () => ({ json: { ReviewResult: 'DENY' } });
  const roomIdentifier = await reviewedRoom();
  const ada = await enter(roomIdentifier, 'ada');
  await client.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz' }));
  await until(() => ada.events.length === 1);
  expect(lambda.received).toEqual([]);
});

it('a handler that is detached from its room is not called any more', async () => {
  lambda.answer = () => ({ json: { ReviewResult: 'DENY' } });
  const identifier = await reviewedRoom();
  const ada = await enter(identifier, 'ada');
  await client.send(new UpdateRoomCommand({ identifier, messageReviewHandler: { uri: '' } }));
  expect(await say(ada, 'hello')).toMatchObject({ content: 'hello' });
});

it.each(['arn:aws:lambda:us-west-2:999988887777:function:x', 'arn:aws:lambda:us-east-1:111122223333:function:x'])(
  'a room cannot have the handler %s of another account or Region',
  async (uri) => {
    const created = client.send(new CreateRoomCommand({ messageReviewHandler: { uri } }));
    await expect(created).rejects.toMatchObject({ name: 'ValidationException' });
    const identifier = (await client.send(new CreateRoomCommand({}))).arn;
    const updated = client.send(new UpdateRoomCommand({ identifier, messageReviewHandler: { uri } }));
    await expect(updated).rejects.toMatchObject({ name: 'ValidationException' });
  },
);

it('the control API answers and replaces the endpoints of handlers, and refuses wrong ones', async () => {
  const url = `${ivs.url}/_emulator/chat/review-handlers`;
  expect(await (await fetch(url)).json()).toEqual({ [LAMBDA]: lambda.url });
  const put = (body: object) => fetch(url, { method: 'PUT', body: JSON.stringify(body) });
  expect((await put({ [LAMBDA]: 'ftp://x' })).status).toBe(400);
  expect((await put({ review: lambda.url })).status).toBe(400);
  expect(await (await put({})).json()).toEqual({});
  expect(() => ivs.setReviewHandlers({ [LAMBDA]: 5 as never })).toThrow(ControlError);
});
