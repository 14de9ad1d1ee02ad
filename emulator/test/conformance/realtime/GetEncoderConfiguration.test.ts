import { GetEncoderConfigurationCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('answers the resource as it was created', async () => {
  const arn = await t.encoder();
  const { encoderConfiguration } = await t.realtime.send(new GetEncoderConfigurationCommand({ arn }));
  expect(encoderConfiguration).toMatchObject({ arn, video: { width: 1280 } });
});

it('refuses an ARN under which nothing exists', async () => {
  await notFound(t.realtime.send(new GetEncoderConfigurationCommand({ arn: absent(await t.encoder()) })));
});
