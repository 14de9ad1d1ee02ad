import {
  CreateLoggingConfigurationCommand,
  DeleteLoggingConfigurationCommand,
  UpdateLoggingConfigurationCommand,
} from '@aws-sdk/client-ivschat';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function logging(input: object = {}): Promise<string> {
  const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'ivs-chat' } };
  const { arn = '' } = await t.chat.send(new CreateLoggingConfigurationCommand({ destinationConfiguration, ...input }));
  t.cleanUp(() => t.chat.send(new DeleteLoggingConfigurationCommand({ identifier: arn })));
  return arn;
}

it('changes the members that are given', async () => {
  const identifier = await logging({ name: 'before' });
  const updated = await t.chat.send(new UpdateLoggingConfigurationCommand({ identifier, name: 'after' }));
  expect(updated).toMatchObject({
    name: 'after',
    state: 'ACTIVE',
    destinationConfiguration: { cloudWatchLogs: { logGroupName: 'ivs-chat' } },
  });
});

it('refuses an ARN under which nothing exists', async () => {
  const identifier = absent(await logging());
  await notFound(t.chat.send(new UpdateLoggingConfigurationCommand({ identifier, name: 'x' })));
});
