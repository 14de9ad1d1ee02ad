import {
  GetCompositionCommand,
  ListCompositionsCommand,
  StartCompositionCommand,
  type StartCompositionCommandInput,
  StopCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

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

t.onEmulator('deletes a composition, which is answered as STOPPING until then', async () => {
  const { arn: stageArn } = await t.stage();
  const idempotencyToken = `token-${Date.now()}`;
  const input = { destinations: [await recording()], idempotencyToken };
  const { arn } = await start(stageArn, input);
  t.emulator.skip(2);
  await t.realtime.send(new StopCompositionCommand({ arn }));
  const get = () => t.realtime.send(new GetCompositionCommand({ arn }));
  expect((await get()).composition?.state).toBe('STOPPING');
  t.emulator.skip(2);
  await notFound(get());
  await notFound(t.realtime.send(new StopCompositionCommand({ arn })));
  const { compositions } = await t.realtime.send(new ListCompositionsCommand({ filterByStageArn: stageArn }));
  expect(compositions).toEqual([]);
  expect((await start(stageArn, input)).arn).not.toBe(arn);
});

t.costly('stops a composition', async () => {
  const { arn } = await start((await t.stage()).arn);
  await t.realtime.send(new StopCompositionCommand({ arn }));
  const { composition } = await t.realtime.send(new GetCompositionCommand({ arn }));
  expect(['STOPPING', 'STOPPED']).toContain(composition?.state);
});

it('refuses an ARN under which nothing exists', async () => {
  const arn = absent((await t.stage()).arn).replace(':stage/', ':composition/');
  await notFound(t.realtime.send(new StopCompositionCommand({ arn })));
});
