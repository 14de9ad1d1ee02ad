import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import {
  CreateLoggingConfigurationCommand,
  CreateRoomCommand,
  DeleteMessageCommand,
  type DestinationConfiguration,
  DisconnectUserCommand,
  type IvschatClient,
  SendEventCommand,
  UpdateRoomCommand,
} from '@aws-sdk/client-ivschat';
import { SendMessageRequest } from 'amazon-ivs-chat-messaging';
import { type ChatLogRecord, ChatLogs } from '../src/chatlogs/chat-logs.ts';
import { logFileOf } from '../src/chatlogs/destinations.ts';
import type { Emulator } from '../src/index.ts';
import { eventFrame } from '../src/chat/frames.ts';
import { connectChat, type Heard } from './support/chat-room.ts';
import { chat, startEmulator } from './support/clients.ts';

const S3 = { s3: { bucketName: 'chat-logs' } };
const CLOUDWATCH = { cloudWatchLogs: { logGroupName: '/aws/ivs/chat' } };
const FIREHOSE = { firehose: { deliveryStreamName: 'chat-stream' } };

let folder: string;
let ivs: Emulator;
let client: IvschatClient;
let open: Heard[];

beforeEach(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'chat-logs-'));
  ivs = await startEmulator({ chatLogs: folder });
  client = chat(ivs);
  open = [];
});
afterEach(async () => {
  client.destroy();
  await ivs.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Creates a room that is logged to these destinations. */
async function loggedRoom(...destinations: DestinationConfiguration[]): Promise<string> {
  const arns: string[] = [];
  for (const destinationConfiguration of destinations) {
    const made = await client.send(new CreateLoggingConfigurationCommand({ destinationConfiguration }));
    arns.push(made.arn ?? '');
  }
  const room = await client.send(new CreateRoomCommand({ loggingConfigurationIdentifiers: arns }));
  return room.arn ?? '';
}

async function enter(roomIdentifier: string): Promise<Heard> {
  const heard = connectChat(client, ivs.chatUrl, { roomIdentifier, userId: 'ada', capabilities: ['SEND_MESSAGE'] });
  open.push(heard);
  await heard.connected;
  return heard;
}

/** Stops the emulator, so that it writes all records, and reads every file in the folder. */
async function written(): Promise<Record<string, ChatLogRecord[]>> {
  for (const { room } of open) if (room.state !== 'disconnected') room.disconnect();
  await ivs.stop();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files: Record<string, ChatLogRecord[]> = {};
  for (const entry of entries.filter((candidate) => candidate.isFile())) {
    const file = path.join(entry.parentPath, entry.name);
    const bytes = await readFile(file);
    const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    const lines = text.trimEnd().split('\n');
    files[path.relative(folder, file)] = lines.map((line) => JSON.parse(line) as ChatLogRecord);
  }
  return files;
}

it('a message is logged to S3, CloudWatch and Firehose, under the paths that AWS uses', async () => {
  const room = await loggedRoom(S3, CLOUDWATCH, FIREHOSE);
  const id = room.slice(room.lastIndexOf('/') + 1);
  const ada = await enter(room);
  const sent = await ada.room.sendMessage(new SendMessageRequest('hello', { tone: 'friendly' }));
  const files = await written();
  const [cloudwatch = '', firehose = '', s3 = '', ...more] = Object.keys(files).sort();
  expect(more).toEqual([]);
  expect(cloudwatch).toBe(`cloudwatch/111122223333/us-west-2/aws/ivs/chat/aws/IVSChatLogs/1.0/room_${id}.log`);
  expect(firehose).toBe('firehose/111122223333/us-west-2/chat-stream/records.log');
  const name = `111122223333_IVSChatLogs_1\\.0_us-west-2_room_${id}_\\d{8}T\\d{4}Z_[0-9a-f]{8}\\.log\\.gz`;
  expect(s3).toMatch(
    new RegExp(
      `^s3/chat-logs/AWSLogs/111122223333/IVSChatLogs/1\\.0/us-west-2/room_${id}/\\d{4}/\\d\\d/\\d\\d/\\d\\d/${name}$`,
    ),
  );
  const record = {
    event_timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    type: 'MESSAGE',
    payload: {
      Type: 'MESSAGE',
      Id: sent.id,
      RequestId: sent.requestId,
      Content: 'hello',
      Attributes: { tone: 'friendly' },
      SendTime: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      Sender: { UserId: 'ada', Attributes: {} },
    },
    version: '1.0',
  };
  for (const records of Object.values(files)) expect(records).toEqual([record]);
});

it('events, deleted messages and disconnected users are logged in their order', async () => {
  const roomIdentifier = await loggedRoom(FIREHOSE);
  await client.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz' }));
  await client.send(new DeleteMessageCommand({ roomIdentifier, id: 'abcdefghijkl', reason: 'spam' }));
  await client.send(new DisconnectUserCommand({ roomIdentifier, userId: 'troll' }));
  const [records = []] = Object.values(await written());
  expect(records.map(({ type }) => type)).toEqual(['EVENT', 'EVENT', 'EVENT']);
  expect(records.map(({ payload }) => payload)).toMatchObject([
    { EventName: 'app:quiz' },
    { EventName: 'aws:DELETE_MESSAGE', Attributes: { MessageId: 'abcdefghijkl', Reason: 'spam' } },
    { EventName: 'aws:DISCONNECT_USER', Attributes: { UserId: 'troll' } },
  ]);
});

it('a disconnected user is logged even if only that user gets the event', async () => {
  ivs.setSwitches({ disconnectUserEventTo: 'user' });
  const roomIdentifier = await loggedRoom(FIREHOSE);
  await client.send(new DisconnectUserCommand({ roomIdentifier, userId: 'troll' }));
  expect(Object.values(await written())[0]).toHaveLength(1);
});

it('a stream is one file that grows, and each S3 object is written once', async () => {
  const roomIdentifier = await loggedRoom(S3, FIREHOSE);
  const send = (eventName: string) => client.send(new SendEventCommand({ roomIdentifier, eventName }));
  await send('first');
  let files: string[] = [];
  while (files.length < 2)
    files = (await readdir(folder, { recursive: true })).filter((file) => /\.(log|gz)$/.test(file));
  await send('second');
  const lines = Object.entries(await written()).map(([file, records]) => `${file.split('/')[0]} ${records.length}`);
  expect(lines.sort()).toEqual(['firehose 2', 's3 1', 's3 1']);
});

it('a room without a logging configuration is not logged', async () => {
  const identifier = await loggedRoom(FIREHOSE);
  await client.send(new UpdateRoomCommand({ identifier, loggingConfigurationIdentifiers: [] }));
  const plain = (await client.send(new CreateRoomCommand({}))).arn ?? '';
  for (const roomIdentifier of [identifier, plain]) {
    await client.send(new SendEventCommand({ roomIdentifier, eventName: 'app:quiz' }));
  }
  expect(await written()).toEqual({});
});

it('a refused message is not logged', async () => {
  const room = await loggedRoom(FIREHOSE);
  const ada = await enter(room);
  await expect(ada.room.sendMessage(new SendMessageRequest('x'.repeat(501)))).rejects.toMatchObject({ errorCode: 400 });
  expect(await written()).toEqual({});
});

it('a write that fails loses its records only, and later records are written', async () => {
  const obstacle = path.join(folder, 'firehose');
  await writeFile(obstacle, 'a file is in the way');
  const logs = new ChatLogs(folder);
  const write = (name: string) =>
    logs.write('arn:aws:ivschat:us-west-2:111122223333:room/abc', FIREHOSE, eventFrame(0, name, {}), 0);
  write('lost');
  await logs.flush();
  await rm(obstacle);
  write('kept');
  await logs.flush();
  const [records = []] = Object.values(await written());
  expect(records.map(({ payload }) => payload)).toMatchObject([{ EventName: 'kept' }]);
});

it.each([
  { cloudWatchLogs: { logGroupName: '../../../etc' } },
  { cloudWatchLogs: { logGroupName: '/..' } },
  { firehose: { deliveryStreamName: '..' } },
  { s3: { bucketName: '...' } },
])('no name leads to a path outside the folder: %j', (destination) => {
  const room = 'arn:aws:ivschat:us-west-2:111122223333:room/abcdefghijkl';
  const file = logFileOf(room, destination).path(0);
  expect(file.split(path.sep)).not.toContain('..');
  expect(file).toMatch(/^(s3|cloudwatch\/111122223333\/us-west-2|firehose\/111122223333\/us-west-2)\//);
});
