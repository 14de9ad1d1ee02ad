import { CreateParticipantTokenCommand, DisconnectParticipantCommand } from '@aws-sdk/client-ivs-realtime';
import { absent, conformance, notFound, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

it('refuses a stage that does not exist, and an empty participant id', async () => {
  const { arn } = await t.stage();
  await notFound(
    t.realtime.send(new DisconnectParticipantCommand({ stageArn: absent(arn), participantId: 'abcdefghijkl' })),
  );
  await refusedInput(t.realtime.send(new DisconnectParticipantCommand({ stageArn: arn, participantId: 'a b' })));
  await refusedInput(t.realtime.send(new DisconnectParticipantCommand({ stageArn: arn, participantId: undefined })));
});

t.onEmulator('disconnects one participant, and leaves another participant of the same user connected', async () => {
  const { arn } = await t.stage();
  const first = await join(arn, { userId: 'u-1' });
  const second = await join(arn, { userId: 'u-1' });
  await t.realtime.send(
    new DisconnectParticipantCommand({ stageArn: arn, participantId: first.participantId, reason: 'spam' }),
  );
  expect(t.emulator.participants(arn)).toMatchObject([
    { participantId: first.participantId, state: 'DISCONNECTED', leaveReason: 'participant-disconnected' },
    { participantId: second.participantId, state: 'CONNECTED' },
  ]);
});

it('accepts an id that never joined', async () => {
  const { arn: stageArn } = await t.stage();
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn }));
  for (const participantId of [participantToken?.participantId, 'abcdefghijkl']) {
    const answer = await t.realtime.send(new DisconnectParticipantCommand({ stageArn, participantId }));
    expect(answer.$metadata.httpStatusCode).toBe(200);
  }
});

t.onEmulator.each([
  ['not-found', 'ResourceNotFoundException'],
  ['ignored', undefined],
  ['refused-later', undefined],
] as const)('treats an id that is not connected as the switch says: %s', async (absentParticipant, error) => {
  t.emulator.setSwitches({ absentParticipant });
  const { arn } = await t.stage();
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn: arn }));
  const { participantId, token = '' } = participantToken ?? {};
  const outcome = await t.realtime
    .send(new DisconnectParticipantCommand({ stageArn: arn, participantId }))
    .then(() => undefined)
    .catch(({ name }: Error) => name);
  expect(outcome).toBe(error);
  const join = () => t.emulator.join(token);
  if (absentParticipant === 'refused-later') expect(join).toThrow(/disconnected/);
  else expect(join).not.toThrow();
});
