import {
  CreateIngestConfigurationCommand,
  DeleteIngestConfigurationCommand,
  UpdateIngestConfigurationCommand,
} from '@aws-sdk/client-ivs-realtime';
import { absent, conflict, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function ingest(input: object = {}) {
  const { ingestConfiguration } = await t.realtime.send(
    new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS', ...input }),
  );
  const arn = ingestConfiguration?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeleteIngestConfigurationCommand({ arn, force: true })));
  return { ...ingestConfiguration, arn };
}

it('changes the stage of an ingest configuration, and removes it', async () => {
  const { arn: stageArn } = await t.stage();
  const { arn } = await ingest();
  const update = async (stageArn: string) =>
    (await t.realtime.send(new UpdateIngestConfigurationCommand({ arn, stageArn }))).ingestConfiguration?.stageArn;
  expect(await update(stageArn)).toBe(stageArn);
  expect(await update('')).toBe('');
});

it('refuses a stage that does not exist', async () => {
  const { arn } = await ingest();
  const stageArn = absent((await t.stage()).arn);
  await notFound(t.realtime.send(new UpdateIngestConfigurationCommand({ arn, stageArn })));
});

t.onEmulator('refuses to change an ingest configuration that is streaming', async () => {
  const { arn: stageArn } = await t.stage();
  const { arn, streamKey = '' } = await ingest({ stageArn });
  t.emulator.ingest(streamKey);
  await conflict(t.realtime.send(new UpdateIngestConfigurationCommand({ arn, stageArn: '' })));
});
