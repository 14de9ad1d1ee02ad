import { get } from 'node:http';
import { CreateParticipantTokenCommand, CreateStageCommand, ListStagesCommand } from '@aws-sdk/client-ivs-realtime';
import type { Emulator } from '../src/index.ts';
import { realtime, startEmulator } from './support/clients.ts';

let ivs: Emulator;

beforeEach(async () => {
  ivs = await startEmulator();
});
afterEach(async () => {
  await ivs.stop();
});

interface Answer {
  status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- each test knows the type of the answer
  body: any;
}

async function call(method: string, path: string, body?: unknown, headers = {}): Promise<Answer> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${ivs.url}/_emulator/${path}`, { method, headers, ...sent });
  return { status: response.status, body: await response.json() };
}

async function newToken() {
  const { stage } = await realtime(ivs).send(new CreateStageCommand({}));
  const command = new CreateParticipantTokenCommand({ stageArn: stage?.arn, userId: 'u-1' });
  const { participantToken } = await realtime(ivs).send(command);
  return { stageArn: stage?.arn ?? '', token: participantToken?.token ?? '' };
}

it('a participant joins, publishes and leaves over HTTP', async () => {
  const { stageArn, token } = await newToken();
  const joined = await call('POST', 'join', { token, client: { browserName: 'Firefox' } });
  expect(joined).toMatchObject({ status: 200, body: { stageArn, userId: 'u-1' } });
  expect((await call('POST', 'publish', joined.body)).status).toBe(200);
  expect((await call('POST', 'leave', joined.body)).status).toBe(200);
  const { body } = await call('GET', `participants?stageArn=${encodeURIComponent(stageArn)}`);
  expect(body.participants).toMatchObject([{ state: 'DISCONNECTED', leaveReason: 'user-initiated' }]);
  expect(await call('POST', 'leave', joined.body)).toMatchObject({ status: 403, body: { code: 'NOT_CONNECTED' } });
});

it('an invalid token is refused with the code that its client would get', async () => {
  expect(await call('POST', 'join', { token: 'x' })).toMatchObject({ status: 403, body: { code: 'TOKEN_INVALID' } });
});

it('faults are armed, listed and disarmed', async () => {
  const { body: fault } = await call('POST', 'faults', { operation: 'ListStages', effect: { throttle: true } });
  await expect(realtime(ivs).send(new ListStagesCommand({}))).rejects.toMatchObject({ name: 'ThrottlingException' });
  expect((await call('GET', 'faults')).body.faults).toMatchObject([{ id: fault.id, matched: 1, struck: 1 }]);
  expect((await call('DELETE', `faults/${fault.id}`)).status).toBe(200);
  await expect(realtime(ivs).send(new ListStagesCommand({}))).resolves.toBeDefined();
  expect((await call('DELETE', `faults/${fault.id}`)).status).toBe(400);
});

it('switches, quotas and the clock can be set, and wrong values are refused', async () => {
  expect((await call('PUT', 'switches', { clockSkewSeconds: 5 })).body).toMatchObject({ clockSkewSeconds: 5 });
  expect((await call('PUT', 'switches', { clockSkewSeconds: 'much' })).status).toBe(400);
  expect((await call('PUT', 'switches', { nothing: 1 })).status).toBe(400);
  expect((await call('PUT', 'quotas', { mode: 'strict', limits: { stages: 1 } })).body.limits.stages).toBe(1);
  expect((await call('PUT', 'quotas', { mode: 'sometimes' })).status).toBe(400);
  expect((await call('POST', 'clock', { skipSeconds: 60 })).status).toBe(200);
  expect((await call('POST', 'clock', { skipSeconds: -1 })).status).toBe(400);
});

it('the journal can be read, and a reset deletes everything', async () => {
  await newToken();
  const { body } = await call('GET', 'journal?operation=CreateParticipantToken');
  expect(body.calls).toMatchObject([{ operation: 'CreateParticipantToken', status: 200, input: { userId: 'u-1' } }]);
  await call('POST', 'reset', {});
  expect((await call('GET', 'journal')).body.calls).toEqual([]);
  expect((await realtime(ivs).send(new ListStagesCommand({}))).stages).toEqual([]);
});

it('requests of other origins, and under a host name with a dot, are refused', async () => {
  expect((await call('POST', 'reset', {}, { origin: 'https://elsewhere.example' })).status).toBe(403);
  const status = await new Promise((resolve) => {
    get(`${ivs.url}/_emulator/health`, { headers: { host: 'rebound.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
  expect(status).toBe(403);
});

it('an unknown route is answered with 404', async () => {
  expect((await call('GET', 'nothing')).status).toBe(404);
});
