import { CreateStageCommand, GetStageCommand } from '@aws-sdk/client-ivs-realtime';
import { DisconnectUserCommand } from '@aws-sdk/client-ivschat';
import type { Emulator } from '../src/index.ts';
import { chat, OTHER_ACCOUNT, realtime, startEmulator } from './support/clients.ts';

let ivs: Emulator;

afterEach(async () => {
  await ivs.stop();
});

/** The rate runs on while the calls are made: on a slow machine this many more than the rate may pass. */
async function throttled(count: number, rate: number): Promise<{ calls: number; passable: number }> {
  const startedAt = performance.now();
  const statuses = await outcomes(count);
  const elapsedSeconds = (performance.now() - startedAt) / 1000;
  return {
    calls: statuses.filter((status) => status === 429).length,
    passable: Math.floor(rate * elapsedSeconds),
  };
}

async function outcomes(count: number, client = realtime(ivs)): Promise<(number | undefined)[]> {
  const calls = Array.from({ length: count }, () => client.send(new CreateStageCommand({})));
  const settled = await Promise.allSettled(calls);
  return settled.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.$metadata.httpStatusCode : 200));
}

it('calls above the rate of an operation are throttled, and each account has its own rate', async () => {
  ivs = await startEmulator({ quotas: 'strict' });
  const { calls, passable } = await throttled(40, 5);
  expect(calls).toBeLessThanOrEqual(35);
  expect(calls).toBeGreaterThanOrEqual(35 - passable);
  expect(await outcomes(5, realtime(ivs, OTHER_ACCOUNT))).not.toContain(429);
  ivs.skip(1);
  expect(await outcomes(5)).not.toContain(429);
});

it('rates can be changed and turned off', async () => {
  ivs = await startEmulator({ quotas: 'strict', rates: { CreateStage: 2 } });
  const { calls, passable } = await throttled(20, 2);
  expect(calls).toBeLessThanOrEqual(18);
  expect(calls).toBeGreaterThanOrEqual(18 - passable);
  ivs.setQuotas({ mode: 'off' });
  expect(await outcomes(20)).not.toContain(429);
});

it('the switch names the error for operations whose model lists none', async () => {
  ivs = await startEmulator({ switches: { throttlingError: 'TooManyRequestsException' } });
  ivs.fault({ operation: '*', effect: { throttle: true } });
  const status = { $metadata: { httpStatusCode: 429 } };
  const created = realtime(ivs).send(new CreateStageCommand({}));
  await expect(created).rejects.toMatchObject({ name: 'TooManyRequestsException', ...status });
  const roomIdentifier = 'arn:aws:ivschat:us-west-2:111122223333:room/abcdABCDefgh';
  const kicked = chat(ivs).send(new DisconnectUserCommand({ roomIdentifier, userId: 'ada' }));
  await expect(kicked).rejects.toMatchObject({ name: 'ThrottlingException', ...status });
});

it('each operation has its own rate', async () => {
  ivs = await startEmulator({ quotas: 'strict', rates: { CreateStage: 1 } });
  const { stage } = await realtime(ivs).send(new CreateStageCommand({}));
  await expect(realtime(ivs).send(new GetStageCommand({ arn: stage?.arn }))).resolves.toBeDefined();
});

it('a stage above the quota of the account is refused with 402', async () => {
  ivs = await startEmulator({ limits: { stages: 2 } });
  expect((await outcomes(3)).filter((status) => status === 402)).toHaveLength(1);
});
