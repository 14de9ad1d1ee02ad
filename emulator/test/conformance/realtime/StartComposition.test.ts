import {
  StartCompositionCommand,
  type StartCompositionCommandInput,
  StopCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { absent, conflict, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

/** One destination for all tests, because an account has five storage configurations at most. */
let destination: Promise<{ s3: { storageConfigurationArn: string; encoderConfigurationArns: string[] } }> | undefined;

async function recording() {
  destination ??= Promise.all([t.storage(), t.encoder()]).then(([storageConfigurationArn, encoder]) => ({
    s3: { storageConfigurationArn, encoderConfigurationArns: [encoder] },
  }));
  return await destination;
}

async function start(stageArn: string, input: Partial<StartCompositionCommandInput> = {}) {
  const destinations = input.destinations ?? [await recording()];
  const { composition } = await t.realtime.send(new StartCompositionCommand({ stageArn, ...input, destinations }));
  const arn = composition?.arn ?? '';
  t.cleanUp(() => t.realtime.send(new StopCompositionCommand({ arn })));
  return { ...composition, arn };
}

t.costly('starts a composition in a grid with one destination', async () => {
  const { arn: stageArn } = await t.stage();
  const composition = await start(stageArn);
  expect(composition).toMatchObject({ stageArn, state: 'STARTING', layout: { grid: { videoFillMode: 'COVER' } } });
  expect(composition.startTime).toBeInstanceOf(Date);
  expect(composition.destinations).toMatchObject([
    { state: 'STARTING', configuration: { name: '', s3: { recordingConfiguration: { format: 'HLS' } } } },
  ]);
  expect(composition.destinations?.[0]).not.toHaveProperty('startTime');
});

t.costly.each([
  [undefined, { grid: { gridGap: 2, videoAspectRatio: 'VIDEO', omitStoppedVideo: false } }],
  [{ grid: { featuredParticipantAttribute: 'star' } }, { grid: { gridGap: 2, videoAspectRatio: 'VIDEO' } }],
  [{ grid: { gridGap: 0, videoAspectRatio: 'SQUARE' } }, { grid: { gridGap: 0, videoAspectRatio: 'SQUARE' } }],
  [
    { pip: { featuredParticipantAttribute: 'star' } },
    {
      pip: {
        featuredParticipantAttribute: 'star',
        gridGap: 0,
        omitStoppedVideo: false,
        pipBehavior: 'STATIC',
        pipOffset: 0,
        pipParticipantAttribute: '',
        pipPosition: 'BOTTOM_RIGHT',
        videoFillMode: 'COVER',
      },
    },
  ],
] as const)('fills in what a layout leaves out: %j', async (layout, expected) => {
  const { arn: stageArn } = await t.stage();
  const { layout: answered } = await start(stageArn, layout && { layout });
  expect(answered).toMatchObject(expected);
  expect(Object.keys(answered ?? {})).toEqual(Object.keys(expected));
});

t.costly(
  'answers the same composition for the same idempotency token, and a conflict if the input differs',
  async () => {
    const { arn: stageArn } = await t.stage();
    const input = { stageArn, destinations: [await recording()], idempotencyToken: `token-${Date.now()}` };
    const first = await start(stageArn, input);
    const second = await start(stageArn, input);
    expect(second.arn).toBe(first.arn);
    await conflict(start(stageArn, { ...input, tags: { a: 'b' } }));
  },
);

it('refuses an input without a destination, a destination of both kinds, and ARNs under which nothing exists', async () => {
  const { arn: stageArn } = await t.stage();
  const [storage, encoder] = [await t.storage(), await t.encoder()];
  const s3 = { storageConfigurationArn: storage, encoderConfigurationArns: [encoder] };
  const channel = { channelArn: 'arn:aws:ivs:us-west-2:123456789012:channel/abcdABCDefgh' };
  const call = (input: object) =>
    t.realtime.send(new StartCompositionCommand({ stageArn, destinations: [{ s3 }], ...input }));
  await refusedInput(call({ destinations: [] }));
  await refusedInput(call({ destinations: [{ s3, channel }] }));
  await refusedInput(call({ destinations: [{ s3 }, { s3 }] }));
  await refusedInput(call({ destinations: [{ channel }, { channel }] }));
  await notFound(call({ stageArn: absent(stageArn) }));
  await notFound(call({ destinations: [{ s3: { ...s3, storageConfigurationArn: absent(storage) } }] }));
  await notFound(call({ destinations: [{ s3: { ...s3, encoderConfigurationArns: [absent(encoder)] } }] }));
});
