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

it('a participant mutes what they send, and everybody sees it until they stop to send', async () => {
  const { stageArn, token } = await newToken();
  const { body: joined } = await call('POST', 'join', { token });
  const isMuted = async () => {
    const { body } = await call('GET', `participants?stageArn=${encodeURIComponent(stageArn)}`);
    return body.participants[0].muted as boolean;
  };
  const mute = (muted: unknown) => call('POST', 'mute', { ...joined, muted });
  expect(await mute(true)).toMatchObject({ status: 403, body: { code: 'PUBLISHER_NOT_FOUND' } });
  await call('POST', 'publish', joined);
  expect(await isMuted()).toBe(false);
  expect((await mute(true)).status).toBe(200);
  expect(await isMuted()).toBe(true);
  expect((await mute(false)).status).toBe(200);
  expect(await isMuted()).toBe(false);
  expect(await mute('yes')).toEqual({ status: 400, body: { message: 'muted must be true or false' } });
  await mute(true);
  await call('POST', 'unpublish', joined);
  await call('POST', 'publish', joined);
  expect(await isMuted()).toBe(false);
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

it('a page from this machine may be a participant of a stage, and may use nothing else', async () => {
  const local = 'http://localhost:5173';
  const preflight = await fetch(`${ivs.url}/_emulator/join`, {
    method: 'OPTIONS',
    headers: { origin: local, 'access-control-request-method': 'POST' },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get('access-control-allow-origin')).toBe(local);
  const send = (path: string, origin: string, method = 'POST') =>
    fetch(`${ivs.url}/_emulator/${path}`, {
      method,
      headers: { origin },
      ...(method === 'POST' && { body: '{"token":"no"}' }),
    });
  for (const origin of [local, 'http://127.0.0.1:3000', 'http://[::1]:3000', 'https://localhost']) {
    const refused = await send('join', origin);
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, origin]);
    expect(await refused.json()).toMatchObject({ code: 'TOKEN_INVALID' });
  }
  for (const origin of ['https://elsewhere.example', 'http://localhost.elsewhere.example', 'null']) {
    const refused = await send('join', origin);
    expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect(await refused.json()).toEqual({ message: `pages of ${origin} may not use the control API` });
  }
  for (const [path, method] of [
    ['reset', 'POST'],
    ['faults', 'POST'],
    ['journal', 'GET'],
    ['overview', 'GET'],
  ] as const)
    expect((await send(path, local, method)).status).toBe(403);
});

it('an unknown route is answered with 404', async () => {
  expect((await call('GET', 'nothing')).status).toBe(404);
});
