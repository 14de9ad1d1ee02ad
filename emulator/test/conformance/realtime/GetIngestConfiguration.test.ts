import {
  CreateIngestConfigurationCommand,
  DeleteIngestConfigurationCommand,
  GetIngestConfigurationCommand,
} from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function ingest(input: object = {}) {
  const { ingestConfiguration } = await t.realtime.send(
    new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS', ...input }),
  );
  const arn = ingestConfiguration?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeleteIngestConfigurationCommand({ arn, force: true })));
  return { ...ingestConfiguration, arn };
}

it('answers the ingest configuration with its stream key', async () => {
  const made = await ingest({ name: 'studio' });
  const { ingestConfiguration } = await t.realtime.send(new GetIngestConfigurationCommand({ arn: made.arn }));
  expect(ingestConfiguration).toEqual(made);
});

it('refuses an ARN under which nothing exists', async () => {
  const { arn } = await ingest();
  await notFound(t.realtime.send(new GetIngestConfigurationCommand({ arn: absent(arn) })));
});
