import { CreateIngestConfigurationCommand, DeleteIngestConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { conflict, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function ingest(input: object = {}) {
  const { ingestConfiguration } = await t.realtime.send(
    new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS', ...input }),
  );
  const arn = ingestConfiguration?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeleteIngestConfigurationCommand({ arn, force: true })));
  return { ...ingestConfiguration, arn };
}

it('deletes the resource, and refuses to delete it again', async () => {
  const { arn } = await ingest();
  await t.realtime.send(new DeleteIngestConfigurationCommand({ arn }));
  await notFound(t.realtime.send(new DeleteIngestConfigurationCommand({ arn })));
});

t.onEmulator('deletes an ingest configuration that is streaming only with force, and ends the stream', async () => {
  const { arn: stageArn } = await t.stage();
  const { arn, streamKey = '' } = await ingest({ stageArn });
  t.emulator.ingest(streamKey);
  await conflict(t.realtime.send(new DeleteIngestConfigurationCommand({ arn })));
  await t.realtime.send(new DeleteIngestConfigurationCommand({ arn, force: true }));
  expect(t.emulator.participants(stageArn)).toMatchObject([{ state: 'DISCONNECTED' }]);
});
