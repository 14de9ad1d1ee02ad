import { CreateParticipantTokenCommand, ListStageSessionsCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

it('lists no sessions for a stage that nobody has joined', async () => {
  const { arn: stageArn } = await t.stage();
  expect((await t.realtime.send(new ListStageSessionsCommand({ stageArn }))).stageSessions).toEqual([]);
});

t.onEmulator('lists the newest session first', async () => {
  const { arn: stageArn } = await t.stage();
  const first = await join(stageArn);
  t.emulator.leave(first);
  const second = await join(stageArn);
  expect(second.sessionId).not.toBe(first.sessionId);
  const { stageSessions } = await t.realtime.send(new ListStageSessionsCommand({ stageArn }));
  expect(stageSessions?.map(({ sessionId }) => sessionId)).toEqual([second.sessionId, first.sessionId]);
});
