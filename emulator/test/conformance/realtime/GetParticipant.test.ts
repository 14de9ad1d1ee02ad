import { CreateParticipantTokenCommand, GetParticipantCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('answers who joined, and whether they are still connected', async () => {
  const { arn: stageArn } = await t.stage();
  const joined = await join(stageArn, { userId: 'u-1', attributes: { role: 'host' } });
  const { participantId, sessionId } = joined;
  const get = () => t.realtime.send(new GetParticipantCommand({ stageArn, sessionId, participantId }));
  expect((await get()).participant).toMatchObject({
    participantId,
    userId: 'u-1',
    attributes: { role: 'host' },
    state: 'CONNECTED',
    published: false,
  });
  // A participant who is not recorded has empty texts.
  expect((await get()).participant).toMatchObject({ recordingS3BucketName: '', recordingS3Prefix: '' });
  t.emulator.publish(joined);
  t.emulator.leave(joined);
  expect((await get()).participant).toMatchObject({ state: 'DISCONNECTED', published: true });
});

it('refuses a session that does not exist', async () => {
  const { arn: stageArn } = await t.stage();
  const call = new GetParticipantCommand({ stageArn, sessionId: 'st-1CVugbu2cf2n8', participantId: 'abcdefghijkl' });
  await notFound(t.realtime.send(call));
});

it('refuses a participant id with an underscore, although a token id may have one', async () => {
  const { arn: stageArn } = await t.stage();
  const call = new GetParticipantCommand({ stageArn, sessionId: 'st-1CVugbu2cf2n8', participantId: 'a_b' });
  await refusedInput(t.realtime.send(call));
});
