import { CreateParticipantTokenCommand, GetStageCommand, GetStageSessionCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, notFound, onEmulator } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

onEmulator('answers a session that lasts from the first join to the last leave', async () => {
  const { arn: stageArn } = await t.stage();
  const first = await join(stageArn);
  const second = await join(stageArn);
  const { sessionId } = first;
  const get = async () =>
    (await t.realtime.send(new GetStageSessionCommand({ stageArn, sessionId }))).stageSession?.endTime;
  const active = async () => (await t.realtime.send(new GetStageCommand({ arn: stageArn }))).stage?.activeSessionId;
  t.emulator.leave(first);
  expect(await get()).toBeUndefined();
  expect(await active()).toBe(sessionId);
  t.emulator.leave(second);
  expect(await get()).toBeInstanceOf(Date);
  expect(await active()).toBeUndefined();
});

it('refuses a session that does not exist', async () => {
  const { arn: stageArn } = await t.stage();
  await notFound(t.realtime.send(new GetStageSessionCommand({ stageArn, sessionId: 'st-1CVugbu2cf2n8' })));
});
