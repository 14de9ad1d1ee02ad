import {
  CreateParticipantTokenCommand,
  GetCompositionCommand,
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

t.onEmulator(
  'answers a composition that becomes active, and ends a minute after everybody has left its stage',
  async () => {
    const { arn: stageArn } = await t.stage();
    const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn }));
    const joined = t.emulator.join(participantToken?.token ?? '');
    const { arn } = await start(stageArn);
    const state = async () => (await t.realtime.send(new GetCompositionCommand({ arn }))).composition?.state;
    expect(await state()).toBe('STARTING');
    t.emulator.skip(2);
    expect(await state()).toBe('ACTIVE');
    t.emulator.skip(3600);
    expect(await state()).toBe('ACTIVE');
    t.emulator.leave(joined);
    t.emulator.skip(59);
    expect(await state()).toBe('ACTIVE');
    t.emulator.skip(1);
    expect(await state()).toBe('STOPPING');
    t.emulator.skip(2);
    await notFound(state());
  },
);

t.onEmulator(
  'answers a composition that ends a minute after its start on an empty stage, and goes on when somebody joins',
  async () => {
    const [lonely, visited] = [await t.stage(), await t.stage()];
    const { arn: first } = await start(lonely.arn);
    const { arn: second } = await start(visited.arn);
    t.emulator.skip(50);
    const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn: visited.arn }));
    t.emulator.join(participantToken?.token ?? '');
    t.emulator.skip(20);
    const state = async (arn: string) => (await t.realtime.send(new GetCompositionCommand({ arn }))).composition?.state;
    await notFound(state(first));
    expect(await state(second)).toBe('ACTIVE');
  },
);

it('refuses an ARN under which nothing exists', async () => {
  const arn = absent((await t.stage()).arn).replace(':stage/', ':composition/');
  await notFound(t.realtime.send(new GetCompositionCommand({ arn })));
});
