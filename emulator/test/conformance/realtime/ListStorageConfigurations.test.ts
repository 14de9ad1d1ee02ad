import { ListStorageConfigurationsCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance } from '../../support/conformance.ts';

const t = conformance();

it('lists storage configurations with their bucket', async () => {
  const arn = await t.storage();
  const { storageConfigurations } = await t.realtime.send(new ListStorageConfigurationsCommand({}));
  expect(storageConfigurations?.find((configuration) => configuration.arn === arn)?.s3?.bucketName).toBeTruthy();
});
