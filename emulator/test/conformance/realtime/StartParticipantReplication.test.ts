import { CreateParticipantTokenCommand, StartParticipantReplicationCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, expectRefusal, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('shows a publisher on another stage, with the attributes of the replica', async () => {
  const [source, destination] = [await t.stage(), await t.stage()];
  const joined = await join(source.arn, { attributes: { role: 'host', colour: 'red' } });
  t.emulator.publish(joined);
  const { participantId } = joined;
  await t.realtime.send(
    new StartParticipantReplicationCommand({
      sourceStageArn: source.arn,
      destinationStageArn: destination.arn,
      participantId,
      attributes: { colour: 'blue' },
    }),
  );
  expect(t.emulator.participants(destination.arn)).toMatchObject([
    { participantId, publishing: true, mint: 'replica', attributes: { role: 'host', colour: 'blue' } },
  ]);
  t.emulator.unpublish(joined);
  expect(t.emulator.participants(destination.arn)).toMatchObject([{ publishing: false }]);
});

t.onEmulator('keeps a replica for the reconnect window after its source has left', async () => {
  const [source, destination] = [await t.stage(), await t.stage()];
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn: source.arn }));
  const { token = '', participantId } = participantToken ?? {};
  const joined = t.emulator.join(token);
  await t.realtime.send(
    new StartParticipantReplicationCommand({
      sourceStageArn: source.arn,
      destinationStageArn: destination.arn,
      participantId,
      reconnectWindowSeconds: 60,
    }),
  );
  const connected = () => t.emulator.participants(destination.arn).some(({ state }) => state === 'CONNECTED');
  t.emulator.leave(joined);
  t.emulator.skip(30);
  const again = t.emulator.join(token);
  t.emulator.skip(60);
  expect(connected()).toBe(true);
  t.emulator.leave(again);
  t.emulator.skip(61);
  expect(connected()).toBe(false);
});

t.onEmulator('refuses a sixth replication of a participant', async () => {
  const source = await t.stage();
  const { participantId } = await join(source.arn);
  const replicate = async () => {
    const { arn: destinationStageArn } = await t.stage();
    const input = { sourceStageArn: source.arn, destinationStageArn, participantId };
    return await t.realtime.send(new StartParticipantReplicationCommand(input));
  };
  for (let count = 0; count < 5; count += 1) await replicate();
  await expectRefusal(replicate(), 'ServiceQuotaExceededException', 402);
});

it('refuses a participant who is not connected, and a reconnect window of 301 seconds', async () => {
  const [source, destination] = [await t.stage(), await t.stage()];
  const input = { sourceStageArn: source.arn, destinationStageArn: destination.arn, participantId: 'abcdefghijkl' };
  await notFound(t.realtime.send(new StartParticipantReplicationCommand(input)));
  await refusedInput(
    t.realtime.send(new StartParticipantReplicationCommand({ ...input, reconnectWindowSeconds: 301 })),
  );
});
