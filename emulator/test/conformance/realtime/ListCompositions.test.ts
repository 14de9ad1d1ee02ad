import {
  ListCompositionsCommand,
  StartCompositionCommand,
  type StartCompositionCommandInput,
  StopCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function recording() {
  return { s3: { storageConfigurationArn: await t.storage(), encoderConfigurationArns: [await t.encoder()] } };
}

async function start(stageArn: string, input: Partial<StartCompositionCommandInput> = {}) {
  const destinations = input.destinations ?? [await recording()];
  const { composition } = await t.realtime.send(new StartCompositionCommand({ stageArn, ...input, destinations }));
  const arn = composition?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new StopCompositionCommand({ arn })));
  return { ...composition, arn };
}

t.costly('lists compositions by stage and by encoder configuration', async () => {
  const { arn: filterByStageArn } = await t.stage();
  const { arn } = await start(filterByStageArn);
  const list = async (filter: object) =>
    (await t.realtime.send(new ListCompositionsCommand(filter))).compositions?.map((composition) => composition.arn);
  expect(await list({ filterByStageArn })).toEqual([arn]);
  expect(await list({ filterByEncoderConfigurationArn: await t.encoder() })).toEqual([]);
});

it('refuses a filter that is not an ARN', async () => {
  await refusedInput(t.realtime.send(new ListCompositionsCommand({ filterByStageArn: 'stage' })));
});
