import { CreateStorageConfigurationCommand, DeleteStorageConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('creates a storage configuration with a bucket', async () => {
  const bucketName = process.env['IVS_CONFORMANCE_BUCKET'] ?? 'recordings';
  const { storageConfiguration } = await t.realtime.send(
    new CreateStorageConfigurationCommand({ name: 'main', s3: { bucketName } }),
  );
  t.cleanUp(() => t.realtime.send(new DeleteStorageConfigurationCommand({ arn: storageConfiguration?.arn })));
  expect(storageConfiguration).toMatchObject({ name: 'main', s3: { bucketName } });
});

it('refuses an input without a bucket, and an invalid bucket name', async () => {
  await refusedInput(t.realtime.send(new CreateStorageConfigurationCommand({ s3: undefined })));
  await refusedInput(t.realtime.send(new CreateStorageConfigurationCommand({ s3: { bucketName: 'No' } })));
});
