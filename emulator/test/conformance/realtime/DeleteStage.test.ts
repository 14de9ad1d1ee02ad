import {
  CreateIngestConfigurationCommand,
  CreateParticipantTokenCommand,
  DeleteIngestConfigurationCommand,
  DeleteStageCommand,
  GetIngestConfigurationCommand,
  GetStageCommand,
  ListIngestConfigurationsCommand,
} from '@aws-sdk/client-ivs-realtime';
import { conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

it('deletes the resource, and refuses to delete it again', async () => {
  const { arn } = await t.stage();
  await t.realtime.send(new DeleteStageCommand({ arn }));
  await notFound(t.realtime.send(new GetStageCommand({ arn })));
  await notFound(t.realtime.send(new DeleteStageCommand({ arn })));
});

it('takes the stage out of its ingest configurations', async () => {
  const [{ arn: stageArn }, { arn: otherArn }] = [await t.stage(), await t.stage()];
  const ingest = async (stage: string) => {
    const { ingestConfiguration } = await t.realtime.send(
      new CreateIngestConfigurationCommand({ ingestProtocol: 'RTMPS', stageArn: stage }),
    );
    const arn = ingestConfiguration?.arn;
    t.cleanUp(() => t.realtime.send(new DeleteIngestConfigurationCommand({ arn })));
    return async () => (await t.realtime.send(new GetIngestConfigurationCommand({ arn }))).ingestConfiguration;
  };
  const [getIt, getOther] = [await ingest(stageArn), await ingest(otherArn)];
  await t.realtime.send(new DeleteStageCommand({ arn: stageArn }));
  expect(await getIt()).toMatchObject({ stageArn: '', state: 'INACTIVE' });
  expect(await getOther()).toMatchObject({ stageArn: otherArn });
  const filter = new ListIngestConfigurationsCommand({ filterByStageArn: stageArn });
  expect((await t.realtime.send(filter)).ingestConfigurations).toEqual([]);
});

t.onEmulator('disconnects everybody on the stage', async () => {
  const { arn } = await t.stage();
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn: arn }));
  const joined = t.emulator.join(participantToken?.token ?? '');
  await t.realtime.send(new DeleteStageCommand({ arn }));
  expect(() => t.emulator.publish(joined)).toThrow(/not connected/);
});
