import { CreateLoggingConfigurationCommand, DeleteLoggingConfigurationCommand } from '@aws-sdk/client-ivschat';
import { conflict, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function logging(input: object = {}): Promise<string> {
  const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'ivs-chat' } };
  const { arn = '' } = await t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration, ...input }));
  t.cleanUp(() => t.chat.send(new DeleteLoggingConfigurationCommand({ identifier: arn })));
  return arn;
}

it('deletes the resource, answers 204, and refuses to delete it again', async () => {
  const identifier = await logging();
  const { $metadata } = await t.chat.send(new DeleteLoggingConfigurationCommand({ identifier }));
  expect($metadata.httpStatusCode).toBe(204);
  await notFound(t.chat.send(new DeleteLoggingConfigurationCommand({ identifier })));
});

it('refuses to delete a logging configuration that a room uses', async () => {
  const identifier = await logging();
  await t.room({ loggingConfigurationIdentifiers: [identifier] });
  await conflict(t.chat.send(new DeleteLoggingConfigurationCommand({ identifier })));
});
