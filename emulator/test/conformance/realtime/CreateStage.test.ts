import { CreateStageCommand, DeleteStageCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('creates a stage with endpoints and tags, and without a session', async () => {
  const stage = await t.stage({ name: 'main', tags: { team: 'a' } });
  expect(stage).toMatchObject({ name: 'main', tags: { team: 'a' } });
  expect(stage.arn).toMatch(/^arn:aws:ivs:[a-z0-9-]+:\d{12}:stage\/[a-zA-Z0-9]{12}$/);
  expect(stage.endpoints?.events).toMatch(/^wss:/);
  expect(stage.endpoints?.whip).toMatch(/^https:/);
  expect(stage.activeSessionId).toBeUndefined();
});

const RECORDING_DEFAULTS = {
  mediaTypes: ['AUDIO_VIDEO'],
  thumbnailConfiguration: { targetIntervalSeconds: 60, storage: ['SEQUENTIAL'], recordingMode: 'DISABLED' },
  recordingReconnectWindowSeconds: 0,
  hlsConfiguration: { targetSegmentDurationSeconds: 6 },
  recordParticipantReplicas: true,
};

it('fills in what a recording configuration leaves out', async () => {
  const { autoParticipantRecordingConfiguration: none } = await t.stage();
  expect(none).toEqual({ ...RECORDING_DEFAULTS, storageConfigurationArn: '' });
  const storageConfigurationArn = await t.storage();
  const { autoParticipantRecordingConfiguration: some } = await t.stage({
    autoParticipantRecordingConfiguration: {
      storageConfigurationArn,
      thumbnailConfiguration: { recordingMode: 'INTERVAL' },
    },
  });
  expect(some).toEqual({
    ...RECORDING_DEFAULTS,
    storageConfigurationArn,
    thumbnailConfiguration: { ...RECORDING_DEFAULTS.thumbnailConfiguration, recordingMode: 'INTERVAL' },
  });
  const { autoParticipantRecordingConfiguration: without } = await t.stage({
    autoParticipantRecordingConfiguration: { storageConfigurationArn, recordParticipantReplicas: false },
  });
  expect(without?.recordParticipantReplicas).toBe(false);
});

it('creates up to twelve tokens together with the stage', async () => {
  const { stage, participantTokens } = await t.realtime.send(
    new CreateStageCommand({ participantTokenConfigurations: [{ userId: 'a' }, { capabilities: ['SUBSCRIBE'] }] }),
  );
  t.cleanUp(() => t.realtime.send(new DeleteStageCommand({ arn: stage?.arn })));
  expect(participantTokens).toMatchObject([{ userId: 'a' }, { capabilities: ['SUBSCRIBE'] }]);
  expect(new Set(participantTokens?.map(({ participantId }) => participantId)).size).toBe(2);
});

it('refuses thirteen tokens, a name with a space, and a storage configuration that does not exist', async () => {
  const thirteen = Array.from({ length: 13 }, () => ({}));
  await refusedInput(t.realtime.send(new CreateStageCommand({ participantTokenConfigurations: thirteen })));
  await refusedInput(t.realtime.send(new CreateStageCommand({ name: 'not allowed' })));
  const storageConfigurationArn = absent(await t.storage());
  await refusedInput(
    t.realtime.send(new CreateStageCommand({ autoParticipantRecordingConfiguration: { storageConfigurationArn } })),
  );
});
