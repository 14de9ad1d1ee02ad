import { GetStorageConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('answers what was made', async () => {
  const arn = await t.storage();
  const { storageConfiguration } = await t.realtime.send(new GetStorageConfigurationCommand({ arn }));
  expect(storageConfiguration?.arn).toBe(arn);
});

it('knows none that was never made', async () => {
  await notFound(t.realtime.send(new GetStorageConfigurationCommand({ arn: absent(await t.storage()) })));
});
