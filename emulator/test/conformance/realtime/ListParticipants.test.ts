import { CreateParticipantTokenCommand, ListParticipantsCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('lists the participants who joined, and no unused tokens', async () => {
  const { arn: stageArn } = await t.stage();
  const host = await join(stageArn, { userId: 'host' });
  const viewer = await join(stageArn, { userId: 'viewer' });
  await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, userId: 'nobody' }));
  t.emulator.publish(host);
  t.emulator.leave(viewer);
  const list = async (filter: object) => {
    const input = { stageArn, sessionId: host.sessionId, ...filter };
    const { participants } = await t.realtime.send(new ListParticipantsCommand(input));
    return participants?.map(({ userId }) => userId);
  };
  expect(await list({})).toEqual(['host', 'viewer']);
  expect(await list({ filterByUserId: 'viewer' })).toEqual(['viewer']);
  expect(await list({ filterByState: 'CONNECTED' })).toEqual(['host']);
  expect(await list({ filterByPublished: true })).toEqual(['host']);
  expect(await list({ filterByPublished: false })).toEqual(['viewer']);
  expect(await list({ filterByRecordingState: 'ACTIVE' })).toEqual([]);
});

it('refuses two filters, and a session id that is too short', async () => {
  const { arn: stageArn } = await t.stage();
  const sessionId = 'st-1CVugbu2cf2n8';
  await refusedInput(
    t.realtime.send(
      new ListParticipantsCommand({ stageArn, sessionId, filterByUserId: 'a', filterByState: 'CONNECTED' }),
    ),
  );
  await refusedInput(t.realtime.send(new ListParticipantsCommand({ stageArn, sessionId: 'st-short' })));
});
