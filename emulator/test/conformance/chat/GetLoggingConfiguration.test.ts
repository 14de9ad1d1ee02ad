import {
  CreateLoggingConfigurationCommand,
  DeleteLoggingConfigurationCommand,
  GetLoggingConfigurationCommand,
} from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function logging(input: object = {}): Promise<string> {
  const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'ivs-chat' } };
  const { arn = '' } = await t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration, ...input }));
  t.cleanUp(() => t.chat.send(new DeleteLoggingConfigurationCommand({ identifier: arn })));
  return arn;
}

it('answers the resource as it was created', async () => {
  const arn = await logging({ name: 'main' });
  expect(await t.chat.send(new GetLoggingConfigurationCommand({ identifier: arn }))).toMatchObject({
    arn,
    name: 'main',
    state: 'ACTIVE',
  });
});

it('refuses an ARN under which nothing exists', async () => {
  await notFound(t.chat.send(new GetLoggingConfigurationCommand({ identifier: absent(await logging()) })));
});
