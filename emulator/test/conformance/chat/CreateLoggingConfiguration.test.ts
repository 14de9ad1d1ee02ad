import { CreateLoggingConfigurationCommand, DeleteLoggingConfigurationCommand } from '@aws-sdk/client-ivschat';
import { conformance, onEmulator, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('names one destination', async () => {
  const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'ivs-chat' } };
  const made = await t.chat.send(new CreateLoggingConfigurationCommand({ name: 'main', destinationConfiguration }));
  t.cleanUp(() => t.chat.send(new DeleteLoggingConfigurationCommand({ identifier: made.arn })));
  expect(made).toMatchObject({ name: 'main', state: 'ACTIVE', destinationConfiguration });
  expect(made.id).toMatch(/^[a-zA-Z0-9]{12}$/);
});

onEmulator('refuses none, and two', async () => {
  const call = (destinationConfiguration: object) =>
    fetch(`${t.emulator.url}/CreateLoggingConfiguration`, {
      method: 'POST',
      body: JSON.stringify({ destinationConfiguration }),
    });
  t.emulator.setSwitches({});
  expect((await call({})).status).toBe(403);
  const two = { s3: { bucketName: 'logs' }, firehose: { deliveryStreamName: 'logs' } };
  const wish = { destinationConfiguration: two as unknown as { s3: { bucketName: string } } };
  await expect(t.chat.send(new CreateLoggingConfigurationCommand(wish))).rejects.toBeDefined();
  await refusedInput(t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration: undefined })));
});
