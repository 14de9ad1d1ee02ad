import {
  CreateLoggingConfigurationCommand,
  DeleteLoggingConfigurationCommand,
  ListLoggingConfigurationsCommand,
} from '@aws-sdk/client-ivschat';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function logging(input: object = {}): Promise<string> {
  const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'ivs-chat' } };
  const { arn = '' } = await t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration, ...input }));
  t.cleanUp(() => t.chat.send(new DeleteLoggingConfigurationCommand({ identifier: arn })));
  return arn;
}

it('lists logging configurations', async () => {
  const arn = await logging();
  const { loggingConfigurations } = await t.chat.send(new ListLoggingConfigurationsCommand({}));
  expect(loggingConfigurations?.map((configuration) => configuration.arn)).toContain(arn);
});

it('refuses a page of 51 items', async () => {
  await refusedInput(t.chat.send(new ListLoggingConfigurationsCommand({ maxResults: 51 })));
});
