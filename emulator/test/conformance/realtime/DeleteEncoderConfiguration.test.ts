import {
  DeleteEncoderConfigurationCommand,
  StartCompositionCommand,
  StopCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { conflict, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('deletes the resource, and refuses to delete it again', async () => {
  const arn = await t.encoder();
  await t.realtime.send(new DeleteEncoderConfigurationCommand({ arn }));
  await notFound(t.realtime.send(new DeleteEncoderConfigurationCommand({ arn })));
});

t.costly('refuses to delete an encoder configuration that a composition uses', async () => {
  const arn = await t.encoder();
  const { arn: stageArn } = await t.stage();
  const storageConfigurationArn = await t.storage();
  const s3 = { storageConfigurationArn, encoderConfigurationArns: [arn] };
  const { composition } = await t.realtime.send(new StartCompositionCommand({ stageArn, destinations: [{ s3 }] }));
  await conflict(t.realtime.send(new DeleteEncoderConfigurationCommand({ arn })));
  await t.realtime.send(new StopCompositionCommand({ arn: composition?.arn }));
});
