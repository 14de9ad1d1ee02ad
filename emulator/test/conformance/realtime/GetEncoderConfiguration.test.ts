import { GetEncoderConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('answers what was made', async () => {
  const arn = await t.encoder();
  const { encoderConfiguration } = await t.realtime.send(new GetEncoderConfigurationCommand({ arn }));
  expect(encoderConfiguration).toMatchObject({ arn, video: { width: 1280 } });
});

it('knows none that was never made', async () => {
  await notFound(t.realtime.send(new GetEncoderConfigurationCommand({ arn: absent(await t.encoder()) })));
});
