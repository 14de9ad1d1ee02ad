import { DeleteStorageConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { conflict, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('deletes the resource, and refuses to delete it again', async () => {
  const arn = await t.storage();
  await t.realtime.send(new DeleteStorageConfigurationCommand({ arn }));
  await notFound(t.realtime.send(new DeleteStorageConfigurationCommand({ arn })));
});

it('refuses to delete a storage configuration that a stage records to', async () => {
  const storageConfigurationArn = await t.storage();
  await t.stage({ autoParticipantRecordingConfiguration: { storageConfigurationArn } });
  await conflict(t.realtime.send(new DeleteStorageConfigurationCommand({ arn: storageConfigurationArn })));
});
