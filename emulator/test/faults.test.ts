import { until } from './support/chat-room.ts';
import { CreateParticipantTokenCommand, CreateStageCommand, ListStagesCommand } from '@aws-sdk/client-ivs-realtime';
import { CreateChatTokenCommand, CreateRoomCommand } from '@aws-sdk/client-ivschat';
import { type Emulator, type FaultRule } from '../src/index.ts';
import { chat, realtime, startEmulator } from './support/clients.ts';

let ivs: Emulator;

beforeEach(async () => {
  ivs = await startEmulator();
});
afterEach(async () => {
  await ivs.stop();
});

const createStage = () => realtime(ivs).send(new CreateStageCommand({}));
const stageCount = async () => (await realtime(ivs).send(new ListStagesCommand({}))).stages?.length;

it('an armed error is answered with the status of the model, as many times as its count', async () => {
  ivs.fault({ operation: 'CreateStage', count: 1, effect: { error: 'AccessDeniedException', message: 'not today' } });
  await expect(createStage()).rejects.toMatchObject({
    name: 'AccessDeniedException',
    exceptionMessage: 'not today',
    $metadata: { httpStatusCode: 403 },
  });
  await expect(createStage()).resolves.toBeDefined();
});

it('a fault with nth strikes the nth call only', async () => {
  ivs.fault({ operation: 'CreateStage', nth: 2, effect: { throttle: true } });
  await createStage();
  await expect(createStage()).rejects.toMatchObject({
    name: 'ThrottlingException',
    $metadata: { httpStatusCode: 429 },
  });
  await createStage();
});

it('a fault with every strikes each nth call, and a later rule counts only the other calls', async () => {
  const errors = ivs.fault({ operation: 'CreateStage', every: 3, effect: { error: 'InternalServerException' } });
  const throttles = ivs.fault({ operation: 'CreateStage', every: 2, effect: { throttle: true } });
  const outcomes: string[] = [];
  for (let call = 1; call <= 6; call += 1) {
    // oxlint-disable-next-line no-await-in-loop -- this test is about the order of the calls
    outcomes.push(
      await createStage().then(
        () => 'made',
        (error: Error) => error.name,
      ),
    );
  }
  const [made, throttled, failed] = ['made', 'ThrottlingException', 'InternalServerException'];
  expect(outcomes).toEqual([made, throttled, failed, made, throttled, failed]);
  expect([errors.matched, errors.struck, throttles.matched, throttles.struck]).toEqual([6, 2, 4, 2]);
});

it('a throttled chat call has the error members that the model lists', async () => {
  const room = await chat(ivs).send(new CreateRoomCommand({}));
  ivs.fault({ operation: 'CreateChatToken', effect: { throttle: true } });
  const token = chat(ivs).send(new CreateChatTokenCommand({ roomIdentifier: room.arn, userId: 'ada' }));
  await expect(token).rejects.toMatchObject({ name: 'ThrottlingException', limit: 200 });
});

it('a reset before the operation prevents it, and a reset after the operation does not', async () => {
  ivs.fault({ operation: 'CreateStage', nth: 1, effect: { reset: 'before' } });
  ivs.fault({ operation: 'CreateStage', nth: 1, effect: { reset: 'after' } });
  await expect(createStage()).rejects.toThrow();
  expect(await stageCount()).toBe(0);
  await expect(createStage()).rejects.toThrow();
  expect(await stageCount()).toBe(1);
});

it('an error after the operation does not undo it', async () => {
  ivs.fault({ operation: 'CreateStage', effect: { error: 'InternalServerException', afterWork: true } });
  await expect(createStage()).rejects.toMatchObject({ name: 'InternalServerException' });
  expect(await stageCount()).toBe(1);
});

it('an empty answer is a success without members', async () => {
  const { stage } = await createStage();
  ivs.fault({ operation: 'CreateParticipantToken', effect: { empty: true } });
  const answer = await realtime(ivs).send(new CreateParticipantTokenCommand({ stageArn: stage?.arn }));
  expect(answer.participantToken).toBeUndefined();
});

it('a delay delays the answer', async () => {
  ivs.fault({ operation: 'CreateStage', effect: { delayMs: 120 } });
  const before = performance.now();
  await createStage();
  expect(performance.now() - before).toBeGreaterThan(110);
});

it('a delayed call goes on when its fault is disarmed', async () => {
  for (const disarm of [(id: number) => ivs.clearFaults(id), () => ivs.clearFaults()]) {
    const fault = ivs.fault({ operation: 'CreateStage', effect: { delayMs: 3_600_000 } });
    const calls = Array.from({ length: 20 }, () => createStage());
    // oxlint-disable-next-line no-await-in-loop -- one fault at a time
    await until(() => fault.struck === 20, 'all calls are delayed');
    disarm(fault.id);
    // oxlint-disable-next-line no-await-in-loop
    for (const { stage } of await Promise.all(calls)) expect(stage?.arn).toContain(':stage/');
  }
});

it('a hanging call is never answered', async () => {
  ivs.fault({ operation: 'CreateStage', effect: { hang: true } });
  const call = createStage().then(
    () => 'answered',
    () => 'failed',
  );
  await until(() => ivs.faults[0]?.struck === 1, 'the fault has struck');
  const answered = await Promise.race([call, new Promise((resolve) => setTimeout(() => resolve('waiting'), 150))]);
  expect(answered).toBe('waiting');
});

it('a rule with a Region strikes only calls in that Region', async () => {
  ivs.fault({ operation: '*', region: 'eu-west-1', effect: { error: 'InternalServerException' } });
  await expect(createStage()).resolves.toBeDefined();
  await expect(realtime(ivs, undefined, 'eu-west-1').send(new CreateStageCommand({}))).rejects.toThrow();
});

it('a rule with a probability strikes about that share of calls', async () => {
  const { stage } = await createStage();
  const fault = ivs.fault({ operation: 'CreateParticipantToken', probability: 0.5, effect: { throttle: true } });
  const client = realtime(ivs);
  const calls = Array.from({ length: 200 }, () =>
    client.send(new CreateParticipantTokenCommand({ stageArn: stage?.arn })).catch(() => undefined),
  );
  await Promise.all(calls);
  expect(fault.matched).toBe(200);
  expect(fault.struck).toBeGreaterThan(50);
  expect(fault.struck).toBeLessThan(150);
});

it.each([
  [{ operation: 'CreateStages', effect: { throttle: true } }],
  [{ operation: 'CreateStage', effect: {} }],
  [{ operation: 'CreateStage', effect: { explode: true } }],
  [{ operation: 'CreateStage', nth: 0, effect: { throttle: true } }],
  [{ operation: 'CreateStage', every: 0, effect: { throttle: true } }],
  [{ operation: 'CreateStage', probability: 2, effect: { throttle: true } }],
])('a wrong rule is refused: %j', (rule) => {
  expect(() => ivs.fault(rule as FaultRule)).toThrow();
});

it('the journal lists each call with its account, Region, status, error and fault', async () => {
  const fault = ivs.fault({ operation: 'CreateStage', nth: 2, effect: { throttle: true } });
  await createStage();
  await createStage().catch(() => undefined);
  expect(ivs.journal({ operation: 'CreateStage' })).toMatchObject([
    { service: 'ivs', account: '111122223333', region: 'us-west-2', input: {}, status: 200 },
    { status: 429, error: 'ThrottlingException', fault: fault.id },
  ]);
});
