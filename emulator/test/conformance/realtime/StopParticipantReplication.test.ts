import {
  CreateParticipantTokenCommand,
  StartParticipantReplicationCommand,
  StopParticipantReplicationCommand,
} from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('disconnects the replica, and leaves the source connected', async () => {
  const [source, destination] = [await t.stage(), await t.stage()];
  const { participantId } = await join(source.arn);
  const input = { sourceStageArn: source.arn, destinationStageArn: destination.arn, participantId };
  await t.realtime.send(new StartParticipantReplicationCommand(input));
  await t.realtime.send(new StopParticipantReplicationCommand(input));
  expect(t.emulator.participants(destination.arn)).toMatchObject([{ state: 'DISCONNECTED' }]);
  expect(t.emulator.participants(source.arn)).toMatchObject([{ state: 'CONNECTED' }]);
  await notFound(t.realtime.send(new StopParticipantReplicationCommand(input)));
});

it('refuses a stage that does not exist', async () => {
  const { arn } = await t.stage();
  const input = { sourceStageArn: arn, destinationStageArn: absent(arn), participantId: 'abcdefghijkl' };
  await notFound(t.realtime.send(new StopParticipantReplicationCommand(input)));
});
