import { CreateLoggingConfigurationCommand, DeleteLoggingConfigurationCommand } from '@aws-sdk/client-ivschat';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('creates a logging configuration with one destination', async () => {
  const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'ivs-chat' } };
  const made = await t.chat.send(new CreateLoggingConfigurationCommand({ name: 'main', destinationConfiguration }));
  t.cleanUp(() => t.chat.send(new DeleteLoggingConfigurationCommand({ identifier: made.arn })));
  expect(made).toMatchObject({ name: 'main', state: 'ACTIVE', destinationConfiguration });
  expect(made.id).toMatch(/^[a-zA-Z0-9]{12}$/);
});

it('refuses an input without a destination, and an invalid bucket name', async () => {
  await refusedInput(t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration: undefined })));
  const destinationConfiguration = { s3: { bucketName: 'No' } };
  await refusedInput(t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration })));
});
