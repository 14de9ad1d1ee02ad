import {
  CreateIngestConfigurationCommand,
  DeleteIngestConfigurationCommand,
  DisconnectParticipantCommand,
  GetIngestConfigurationCommand,
} from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function ingest(input: object = {}) {
  const { ingestConfiguration } = await t.realtime.send(
    new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS', ...input }),
  );
  const arn = ingestConfiguration?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeleteIngestConfigurationCommand({ arn, force: true })));
  return { ...ingestConfiguration, arn };
}

it('creates an ingest configuration with a participant id and a stream key', async () => {
  const { arn: stageArn } = await t.stage();
  const made = await ingest({ stageArn, userId: 'encoder' });
  expect(made).toMatchObject({ stageArn, userId: 'encoder', state: 'INACTIVE', ingestProtocol: 'RTMPS' });
  expect(made.streamKey).toMatch(/^rt_\d{12}_[a-z0-9-]+_[a-zA-Z0-9-]+_.+$/);
  expect(made.participantId).toMatch(/^[a-zA-Z0-9-]+$/);
});

it('creates two participant ids and two stream keys for redundant ingest', async () => {
  const { redundantIngestCredentials } = await ingest({ redundantIngest: true });
  expect(new Set(redundantIngestCredentials?.map(({ streamKey }) => streamKey)).size).toBe(2);
});

it('accepts RTMP only with insecureIngest', async () => {
  await refusedInput(ingest({ ingestProtocol: 'RTMP' }));
  expect((await ingest({ ingestProtocol: 'RTMP', insecureIngest: true })).ingestProtocol).toBe('RTMP');
});

t.onEmulator('its stream key starts a publisher on the stage', async () => {
  const { arn: stageArn } = await t.stage();
  const { streamKey = '', participantId, arn } = await ingest({ stageArn });
  const streaming = t.emulator.ingest(streamKey);
  expect(t.emulator.participants(stageArn)).toMatchObject([{ participantId, publishing: true, mint: 'ingest' }]);
  expect(() => t.emulator.ingest(streamKey)).toThrow(/in use/);
  await t.realtime.send(new DisconnectParticipantCommand({ stageArn, participantId }));
  expect(() => t.emulator.leave(streaming)).toThrow(/not connected/);
  const { ingestConfiguration } = await t.realtime.send(new GetIngestConfigurationCommand({ arn }));
  expect(ingestConfiguration).toMatchObject({ state: 'INACTIVE', stageArn: '' });
});
