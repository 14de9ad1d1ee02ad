import {
  CreateParticipantTokenCommand,
  ListParticipantReplicasCommand,
  StartParticipantReplicationCommand,
  StopParticipantReplicationCommand,
} from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('lists the stages on which a participant is shown', async () => {
  const [source, destination] = [await t.stage(), await t.stage()];
  const { participantId, sessionId } = await join(source.arn);
  const input = { sourceStageArn: source.arn, destinationStageArn: destination.arn, participantId };
  await t.realtime.send(new StartParticipantReplicationCommand(input));
  const list = async () =>
    (await t.realtime.send(new ListParticipantReplicasCommand({ sourceStageArn: source.arn, participantId }))).replicas;
  expect(await list()).toMatchObject([{ ...input, sourceSessionId: sessionId, replicationState: 'ACTIVE' }]);
  await t.realtime.send(new StopParticipantReplicationCommand(input));
  expect(await list()).toMatchObject([{ replicationState: 'STOPPED' }]);
});

it('lists no replicas for a participant who was never replicated', async () => {
  const { arn: sourceStageArn } = await t.stage();
  const call = new ListParticipantReplicasCommand({ sourceStageArn, participantId: 'abcdefghijkl' });
  expect((await t.realtime.send(call)).replicas).toEqual([]);
});

it('refuses a page of 51 items', async () => {
  const { arn: sourceStageArn } = await t.stage();
  const call = new ListParticipantReplicasCommand({ sourceStageArn, participantId: 'abcdefghijkl', maxResults: 51 });
  await refusedInput(t.realtime.send(call));
});
