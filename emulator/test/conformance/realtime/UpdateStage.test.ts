import { UpdateStageCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('changes the name and nothing else', async () => {
  const { arn } = await t.stage({ name: 'before', tags: { team: 'a' } });
  const { stage } = await t.realtime.send(new UpdateStageCommand({ arn, name: 'after' }));
  expect(stage).toMatchObject({ arn, name: 'after', tags: { team: 'a' } });
});

it('turns recording on and off', async () => {
  const storageConfigurationArn = await t.storage();
  const { arn } = await t.stage();
  const on = await t.realtime.send(
    new UpdateStageCommand({ arn, autoParticipantRecordingConfiguration: { storageConfigurationArn } }),
  );
  expect(on.stage?.autoParticipantRecordingConfiguration).toMatchObject({
    storageConfigurationArn,
    mediaTypes: ['AUDIO_VIDEO'],
  });
  const off = await t.realtime.send(
    new UpdateStageCommand({ arn, autoParticipantRecordingConfiguration: { storageConfigurationArn: '' } }),
  );
  expect(off.stage?.autoParticipantRecordingConfiguration?.storageConfigurationArn).toBe('');
});

it('refuses a stage that does not exist', async () => {
  const { arn } = await t.stage();
  await notFound(t.realtime.send(new UpdateStageCommand({ arn: absent(arn), name: 'x' })));
});
