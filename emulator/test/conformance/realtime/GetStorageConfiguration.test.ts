import { GetStorageConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('answers the resource as it was created', async () => {
  const arn = await t.storage();
  const { storageConfiguration } = await t.realtime.send(new GetStorageConfigurationCommand({ arn }));
  expect(storageConfiguration?.arn).toBe(arn);
});

it('refuses an ARN under which nothing exists', async () => {
  await notFound(t.realtime.send(new GetStorageConfigurationCommand({ arn: absent(await t.storage()) })));
});
