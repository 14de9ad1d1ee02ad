import { CreateChatTokenCommand, CreateRoomCommand, type IvschatClient } from '@aws-sdk/client-ivschat';
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

async function newToken(): Promise<string> {
  const { token } = await client.send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada' }));
  return token ?? '';
}

/** A token with an expiry in 35 s. The client moves to a new connection 30 s before that, which is in 5 s. */
async function soonExpiring() {
  return { token: await newToken(), tokenExpirationTime: new Date(Date.now() + 35_000) };
}

/** Connects with a token that expires soon. `nextToken` returns the tokens after it. */
async function enterExpiring(nextToken: () => Promise<string>): Promise<Heard> {
  let asked = 0;
  const heard = connectWithTokens(ivs.chatUrl, () => {
    asked += 1;
    return asked === 1 ? soonExpiring() : nextToken();
  });
  open.push(heard);
  await heard.connected;
  return heard;
}

const connectionIds = () => ivs.chatConnections(roomIdentifier).map(({ id }) => id);

it('a client that knows the expiry of its token moves to a new connection in time', async () => {
  const ada = await enterExpiring(newToken);
  const [first = ''] = connectionIds();
  await until(() => connectionIds().length === 1 && !connectionIds().includes(first), 'the rotation');
  expect(ada.tokensAsked()).toBe(2);
  expect(ada.room.state).toBe('connected');
});

it('a client that gets no new token loses its connection', async () => {
  const ada = await enterExpiring(() => Promise.reject(new Error('banned')));
  expect(await ada.disconnected).toBe('fetchTokenError');
  await until(() => connectionIds().length === 0);
});

it('a client whose session ends with ERROR 401 reconnects with a new token', async () => {
  ivs.setSwitches({ chatSessionEnd: 'error-401' });
  const ada = connectChat(client, ivs.chatUrl, { roomIdentifier, userId: 'ada', sessionDurationInMinutes: 1 });
  open.push(ada);
  await ada.connected;
  const [first = ''] = connectionIds();
  ivs.skip(61);
  await until(() => ada.tokensAsked() === 2 && connectionIds().length === 1 && !connectionIds().includes(first));
});

it.each([401, 403, 429, 500])('a client gives up after four handshakes that are refused with %i', async (status) => {
  ivs.fault({ operation: 'ConnectToRoom', effect: { error: 'Refused', status } });
  const ada = connectWithTokens(ivs.chatUrl, newToken);
  open.push(ada);
  expect(await ada.disconnected).toBe('socketError');
  expect(ada.tokensAsked()).toBe(4);
});

it('a client whose first handshake fails connects with its next token', async () => {
  ivs.fault({ operation: 'ConnectToRoom', nth: 1, effect: { reset: 'before' } });
  const ada = connectWithTokens(ivs.chatUrl, newToken);
  open.push(ada);
  await ada.connected;
  expect(ada.tokensAsked()).toBe(2);
});

it('a client that disconnects can connect again', async () => {
  const ada = connectWithTokens(ivs.chatUrl, newToken);
  open.push(ada);
  await ada.connected;
  ada.room.disconnect();
  expect(await ada.disconnected).toBe('clientDisconnect');
  await until(() => connectionIds().length === 0);
  ada.room.connect();
  await until(() => ada.room.state === 'connected' && connectionIds().length === 1);
});
