import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  GetStageCommand,
  ListParticipantsCommand,
  ListStagesCommand,
} from '@aws-sdk/client-ivs-realtime';
import { CreateChatTokenCommand, CreateRoomCommand, GetRoomCommand } from '@aws-sdk/client-ivschat';
import { Emulator } from '../src/index.ts';
import { connectWithTokens } from './support/chat-room.ts';
import { chat, realtime, startEmulator } from './support/clients.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ivs-emulator-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe('with --data', () => {
  it('the emulator keeps stages, participants and unused tokens across a restart', async () => {
    const before = await startEmulator({ data: folder });
    const client = realtime(before);
    const { stage } = await client.send(new CreateStageCommand({ name: 'kept' }));
    const token = async () =>
      (await client.send(new CreateParticipantTokenCommand({ stageArn: stage?.arn }))).participantToken?.token ?? '';
    const [used, unused] = [await token(), await token()];
    const joined = before.join(used);
    await before.stop();

    await using after = await startEmulator({ data: folder });
    const { stage: kept } = await realtime(after).send(new GetStageCommand({ arn: stage?.arn }));
    expect(kept).toEqual({ ...stage, activeSessionId: joined.sessionId });
    const { stageArn, sessionId } = joined;
    const { participants } = await realtime(after).send(new ListParticipantsCommand({ stageArn, sessionId }));
    expect(participants).toMatchObject([{ participantId: joined.participantId, state: 'CONNECTED' }]);
    expect(after.join(unused).sessionId).toBe(sessionId);
  });

  it('a chat token that has opened a connection opens no other after a restart', async () => {
    const before = await startEmulator({ data: folder });
    const roomIdentifier = (await chat(before).send(new CreateRoomCommand({}))).arn ?? '';
    const newToken = async () =>
      (await chat(before).send(new CreateChatTokenCommand({ roomIdentifier, userId: 'ada' }))).token ?? '';
    const [used, unused] = [await newToken(), await newToken()];
    const first = connectWithTokens(before.chatUrl, async () => used);
    await first.connected;
    first.room.disconnect();
    await before.stop();

    await using after = await startEmulator({ data: folder });
    expect(await connectWithTokens(after.chatUrl, async () => used).disconnected).toBe('socketError');
    const second = connectWithTokens(after.chatUrl, async () => unused);
    await second.connected;
    second.room.disconnect();
  });

  it.each([
    ['not JSON', '{"version":1,"sec'],
    ['empty', ''],
    ['JSON that is no state', 'null'],
    ['a state without its parts', '{"version":1}'],
    ['a state of another version', '{"version":2}'],
  ])('a file that is %s is named, with what to do, and stays as it is', async (_what, text) => {
    const file = join(folder, 'ivs-emulator.json');
    writeFileSync(file, text);
    await expect(startEmulator({ data: folder })).rejects.toThrow(file);
    await expect(startEmulator({ data: folder })).rejects.toThrow(/Move it away to begin with an empty state/);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('a reset deletes the kept state', async () => {
    const before = await startEmulator({ data: folder });
    await realtime(before).send(new CreateStageCommand({}));
    before.reset();
    await before.stop();
    await using after = await startEmulator({ data: folder });
    expect((await realtime(after).send(new ListStagesCommand({}))).stages).toEqual([]);
  });
});

describe('with --seed', () => {
  const seeded = (seed: object) => {
    const file = join(folder, 'seed.json');
    writeFileSync(file, JSON.stringify(seed));
    return startEmulator({ seed: file });
  };

  it('the resources of the file exist with the ids of the file', async () => {
    await using ivs = await seeded({
      account: '999988887777',
      region: 'us-west-2',
      stages: [{ id: 'mainstage001', name: 'main' }],
      rooms: [{ id: 'mainroom0001', maximumMessageLength: 100 }],
    });
    const keys = { accessKeyId: '999988887777', secretAccessKey: 'local' };
    const arn = 'arn:aws:ivs:us-west-2:999988887777:stage/mainstage001';
    expect((await realtime(ivs, keys).send(new GetStageCommand({ arn }))).stage?.name).toBe('main');
    const identifier = 'arn:aws:ivschat:us-west-2:999988887777:room/mainroom0001';
    expect(await chat(ivs, keys).send(new GetRoomCommand({ identifier }))).toMatchObject({ maximumMessageLength: 100 });
  });

  it.each([
    [{ stages: [{ name: 'not allowed' }] }, /stages\[0\]: name must match/],
    [{ stages: [{ id: 'short' }] }, /12 letters and digits/],
    [{ channels: [] }, /channels is not one of/],
    [{ rooms: {} }, /rooms must be a list/],
  ])('a wrong file is refused: %j', async (seed, message) => {
    await expect(seeded(seed)).rejects.toThrow(message);
  });
});

it('the emulator listens on other addresses than loopback only with allowRemote', async () => {
  await expect(Emulator.start({ host: '0.0.0.0', port: 0 })).rejects.toThrow(/does not listen on 0\.0\.0\.0/);
  await using open = await startEmulator({ host: '0.0.0.0', allowRemote: true });
  expect(open.port).toBeGreaterThan(0);
});
