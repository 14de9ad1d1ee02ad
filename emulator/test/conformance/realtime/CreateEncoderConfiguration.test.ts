import { CreateEncoderConfigurationCommand, DeleteEncoderConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

it('fills in the members of the video that are not given', async () => {
  const { encoderConfiguration } = await t.realtime.send(
    new CreateEncoderConfigurationCommand({ name: 'hd', video: { bitrate: 1_000_000 } }),
  );
  t.cleanUp(() => t.realtime.send(new DeleteEncoderConfigurationCommand({ arn: encoderConfiguration?.arn })));
  expect(encoderConfiguration).toMatchObject({
    name: 'hd',
    video: { width: 1280, height: 720, framerate: 30, bitrate: 1_000_000 },
  });
});

it.each([{ bitrate: 8_500_001 }, { framerate: 61 }, { width: 1281 }, { width: 1920, height: 1920 }])(
  'refuses %j',
  async (video) => {
    await refusedInput(t.realtime.send(new CreateEncoderConfigurationCommand({ video })));
  },
);
