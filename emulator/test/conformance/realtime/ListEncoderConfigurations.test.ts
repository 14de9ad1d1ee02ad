import { ListEncoderConfigurationsCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance } from '../../support/conformance.ts';

const t = conformance();

it('lists encoder configurations without their video', async () => {
  const arn = await t.encoder();
  const { encoderConfigurations } = await t.realtime.send(new ListEncoderConfigurationsCommand({}));
  const found = encoderConfigurations?.find((configuration) => configuration.arn === arn);
  expect(found).toBeDefined();
  expect(found).not.toHaveProperty('video');
});
