import {
  CreateParticipantTokenCommand,
  CreateStageCommand,
  CreateStorageConfigurationCommand,
  GetParticipantCommand,
} from '@aws-sdk/client-ivs-realtime';
import type { Emulator } from '../src/index.ts';
import { realtime, startEmulator } from './support/clients.ts';

let ivs: Emulator;

beforeEach(async () => {
  ivs = await startEmulator();
});
afterEach(async () => {
  await ivs.stop();
});

async function joinRecorded(recordingReconnectWindowSeconds: number) {
  const client = realtime(ivs);
  const storage = await client.send(new CreateStorageConfigurationCommand({ s3: { bucketName: 'recordings' } }));
  const storageConfigurationArn = storage.storageConfiguration?.arn;
  const { stage } = await client.send(
    new CreateStageCommand({
      autoParticipantRecordingConfiguration: { storageConfigurationArn, recordingReconnectWindowSeconds },
    }),
  );
  const { participantToken } = await client.send(new CreateParticipantTokenCommand({ stageArn: stage?.arn }));
  const joined = ivs.join(participantToken?.token ?? '');
  const { stageArn, sessionId, participantId } = joined;
  const get = async () =>
    (await client.send(new GetParticipantCommand({ stageArn, sessionId, participantId }))).participant;
  return { joined, get };
}

it('a publisher is recorded while they publish, under the path of stage, session and participant', async () => {
  const { joined, get } = await joinRecorded(0);
  expect((await get())?.recordingState).toBe('DISABLED');
  ivs.publish(joined);
  expect((await get())?.recordingState).toBe('STARTING');
  ivs.skip(1);
  const active = await get();
  expect(active).toMatchObject({ recordingState: 'ACTIVE', recordingS3BucketName: 'recordings' });
  const place = `${joined.stageArn.split('/')[1]}/${joined.sessionId}/${joined.participantId}/`;
  expect(active?.recordingS3Prefix?.startsWith(place)).toBe(true);
  ivs.unpublish(joined);
  ivs.skip(1);
  expect((await get())?.recordingState).toBe('STOPPED');
});

it('a publisher who comes back within the reconnect window continues the same recording', async () => {
  const { joined, get } = await joinRecorded(60);
  ivs.publish(joined);
  ivs.skip(1);
  const prefix = (await get())?.recordingS3Prefix;
  ivs.unpublish(joined);
  ivs.skip(30);
  expect((await get())?.recordingState).toBe('STOPPING');
  ivs.publish(joined);
  ivs.skip(60);
  expect(await get()).toMatchObject({ recordingState: 'ACTIVE', recordingS3Prefix: prefix });
  ivs.unpublish(joined);
  ivs.skip(61);
  expect((await get())?.recordingState).toBe('STOPPED');
});
