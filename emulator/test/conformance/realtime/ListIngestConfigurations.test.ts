import {
  CreateIngestConfigurationCommand,
  DeleteIngestConfigurationCommand,
  ListIngestConfigurationsCommand,
} from '@aws-sdk/client-ivs-realtime';
import { conformance } from '../../support/conformance.ts';

const t = conformance();

async function ingest(input: object = {}) {
  const { ingestConfiguration } = await t.realtime.send(
    new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS', ...input }),
  );
  const arn = ingestConfiguration?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new DeleteIngestConfigurationCommand({ arn, force: true })));
  return { ...ingestConfiguration, arn };
}

it('lists ingest configurations by stage and by state, without stream keys', async () => {
  const { arn: filterByStageArn } = await t.stage();
  const { arn } = await ingest({ stageArn: filterByStageArn });
  await ingest();
  const list = async (filter: object) =>
    (await t.realtime.send(new ListIngestConfigurationsCommand(filter))).ingestConfigurations ?? [];
  const found = await list({ filterByStageArn });
  expect(found.map((configuration) => configuration.arn)).toEqual([arn]);
  expect(found[0]).not.toHaveProperty('streamKey');
  expect(await list({ filterByStageArn, filterByState: 'ACTIVE' })).toEqual([]);
});
