import { CreateParticipantTokenCommand, GetStageCommand, GetStageSessionCommand } from '@aws-sdk/client-ivs-realtime';
import { conformance, notFound } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('answers a session that lasts from the first join to the last leave', async () => {
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

t.onEmulator(
  'ends a session as long after the last leave as the switch says, unless somebody joins before',
  async () => {
    t.emulator.setSwitches({ stageSessionEndSeconds: 10 });
    const { arn: stageArn } = await t.stage();
    const first = await join(stageArn);
    const { sessionId } = first;
    const get = async () =>
      (await t.realtime.send(new GetStageSessionCommand({ stageArn, sessionId }))).stageSession?.endTime;
    const active = async () => (await t.realtime.send(new GetStageCommand({ arn: stageArn }))).stage?.activeSessionId;
    t.emulator.leave(first);
    t.emulator.skip(9);
    expect(await active()).toBe(sessionId);
    const second = await join(stageArn);
    expect(second.sessionId).toBe(sessionId);
    t.emulator.skip(60);
    expect(await get()).toBeUndefined();
    t.emulator.leave(second);
    t.emulator.skip(11);
    expect(await active()).toBeUndefined();
    expect(await get()).toBeInstanceOf(Date);
    expect((await join(stageArn)).sessionId).not.toBe(sessionId);
    t.emulator.setSwitches({ stageSessionEndSeconds: 0 });
  },
);

it('refuses a session that does not exist', async () => {
  const { arn: stageArn } = await t.stage();
  await notFound(t.realtime.send(new GetStageSessionCommand({ stageArn, sessionId: 'st-1CVugbu2cf2n8' })));
});
