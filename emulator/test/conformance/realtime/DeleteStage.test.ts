import { CreateParticipantTokenCommand, DeleteStageCommand, GetStageCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, notFound, onEmulator } from '../../support/conformance.ts';

const t = conformance();

it('deletes the resource, and refuses to delete it again', async () => {
  const { arn } = await t.stage();
  await t.realtime.send(new DeleteStageCommand({ arn }));
  await notFound(t.realtime.send(new GetStageCommand({ arn })));
  await notFound(t.realtime.send(new DeleteStageCommand({ arn })));
});

onEmulator('disconnects everybody on the stage', async () => {
  const { arn } = await t.stage();
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn: arn }));
  const joined = t.emulator.join(participantToken?.token ?? '');
  await t.realtime.send(new DeleteStageCommand({ arn }));
  expect(() => t.emulator.publish(joined)).toThrow(/not connected/);
});
