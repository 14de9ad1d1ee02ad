import {
  GetCompositionCommand,
  StartCompositionCommand,
  type StartCompositionCommandInput,
  StopCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, costly, notFound } from '../../support/conformance.ts';

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

costly('stops a composition', async () => {
  const { arn } = await start((await t.stage()).arn);
  await t.realtime.send(new StopCompositionCommand({ arn }));
  const { composition } = await t.realtime.send(new GetCompositionCommand({ arn }));
  expect(['STOPPING', 'STOPPED']).toContain(composition?.state);
});

it('refuses an ARN under which nothing exists', async () => {
  const arn = absent((await t.stage()).arn).replace(':stage/', ':composition/');
  await notFound(t.realtime.send(new StopCompositionCommand({ arn })));
});
