import { CreateParticipantTokenCommand, ListStageSessionsCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, onEmulator } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

it('a stage nobody joined has none', async () => {
  const { arn: stageArn } = await t.stage();
  expect((await t.realtime.send(new ListStageSessionsCommand({ stageArn }))).stageSessions).toEqual([]);
});

onEmulator('lists the newest first', async () => {
  const { arn: stageArn } = await t.stage();
  const first = await join(stageArn);
  t.emulator.leave(first);
  const second = await join(stageArn);
  expect(second.sessionId).not.toBe(first.sessionId);
  const { stageSessions } = await t.realtime.send(new ListStageSessionsCommand({ stageArn }));
  expect(stageSessions?.map(({ sessionId }) => sessionId)).toEqual([second.sessionId, first.sessionId]);
});
