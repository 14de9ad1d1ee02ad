import {
  CreateEncoderConfigurationCommand,
  CreateParticipantTokenCommand,
  CreateStageCommand,
  CreateStorageConfigurationCommand,
  DisconnectParticipantCommand,
  type IVSRealTimeClient,
  StartCompositionCommand,
  StopCompositionCommand,
} from '@aws-sdk/client-ivs-realtime';
import { EventBus, type EventSettings } from '../src/eventbridge/event-bus.ts';
import { ControlError, type Emulator, type EventBridgeEvent } from '../src/index.ts';
import { Clock } from '../src/clock.ts';
import { until } from './support/chat-room.ts';
import { realtime, startEmulator } from './support/clients.ts';
import { Endpoint } from './support/endpoint.ts';

let ivs: Emulator;
let client: IVSRealTimeClient;
let target: Endpoint<EventBridgeEvent>;

beforeEach(async () => {
  target = await Endpoint.start();
  ivs = await startEmulator({ events: { targets: [{ url: target.url, headers: { 'x-api-key': 'secret' } }] } });
  client = realtime(ivs);
});
afterEach(async () => {
  client.destroy();
  await ivs.stop();
  await target[Symbol.asyncDispose]();
});

const names = () => target.received.map(({ body }) => body.detail.event_name);
const state = () => ivs.events().map(({ deliveries }) => deliveries.map((delivery) => delivery.state));

async function stage(extra = {}): Promise<string> {
  const { stage } = await client.send(new CreateStageCommand(extra));
  return stage?.arn ?? '';
}

async function joined(stageArn: string, userId = 'ada', capabilities: ('PUBLISH' | 'SUBSCRIBE')[] = ['PUBLISH']) {
  const { participantToken } = await client.send(new CreateParticipantTokenCommand({ stageArn, userId, capabilities }));
  return ivs.join(participantToken?.token ?? '');
}

/** Sends `count` events. The name of each is its number. */
function sendEvents(count: number, from = 1): void {
  for (let number = from; number < from + count; number += 1) {
    ivs.sendEvent({
      type: 'IVS Stage Update',
      resource: 'arn:aws:ivs:us-west-2:111122223333:stage/abcdefghijkl',
      detail: { event_name: String(number) },
    });
  }
}

it('a participant who starts and stops to publish makes two events in the envelope of EventBridge', async () => {
  const stageArn = await stage();
  const ada = await joined(stageArn);
  ivs.publish(ada);
  ivs.unpublish(ada);
  await until(() => target.received.length === 2);
  const [first, second] = target.received;
  expect(first?.headers).toMatchObject({ 'content-type': 'application/json', 'x-api-key': 'secret' });
  expect(first?.body).toEqual({
    version: '0',
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    'detail-type': 'IVS Stage Update',
    source: 'aws.ivs',
    account: '111122223333',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    region: 'us-west-2',
    resources: [stageArn],
    detail: {
      session_id: ada.sessionId,
      event_name: 'Participant Published',
      event_time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      user_id: 'ada',
      participant_id: ada.participantId,
    },
  });
  expect(second?.body.detail.event_name).toBe('Participant Unpublished');
  expect(second?.body.id).not.toBe(first?.body.id);
});

it('a publisher who is disconnected makes an event Participant Unpublished with their session', async () => {
  const stageArn = await stage();
  const ada = await joined(stageArn);
  ivs.publish(ada);
  await client.send(new DisconnectParticipantCommand({ stageArn, participantId: ada.participantId }));
  await until(() => target.received.length === 2);
  expect(target.received[1]?.body.detail).toMatchObject({
    event_name: 'Participant Unpublished',
    session_id: ada.sessionId,
  });
});

it('a participant who never publishes makes no event', async () => {
  const stageArn = await stage();
  ivs.leave(await joined(stageArn));
  const bob = await joined(stageArn, 'bob');
  await client.send(new DisconnectParticipantCommand({ stageArn, participantId: bob.participantId }));
  expect(ivs.events()).toEqual([]);
});

it('a refused attempt to publish makes an event with the error code', async () => {
  const viewer = await joined(await stage(), 'viewer', ['SUBSCRIBE']);
  expect(() => ivs.publish(viewer)).toThrow('does not allow');
  await until(() => target.received.length === 1);
  expect(target.received[0]?.body.detail).toMatchObject({
    event_name: 'Participant Publish Error',
    error_code: 'INSUFFICIENT_CAPABILITIES',
  });
});

it('the recording of a participant makes events with its path in S3', async () => {
  const { storageConfiguration } = await client.send(
    new CreateStorageConfigurationCommand({ s3: { bucketName: 'recordings' } }),
  );
  const storageConfigurationArn = storageConfiguration?.arn ?? '';
  const stageArn = await stage({ autoParticipantRecordingConfiguration: { storageConfigurationArn } });
  const ada = await joined(stageArn);
  ivs.publish(ada);
  ivs.skip(2);
  ivs.unpublish(ada);
  ivs.skip(2);
  const recordings = ivs.events().filter(({ event }) => event['detail-type'].includes('Recording'));
  expect(recordings.map(({ event }) => event.detail.event_name)).toEqual(['Recording Start', 'Recording End']);
  expect(recordings[1]?.event).toMatchObject({
    resources: [stageArn],
    detail: {
      session_id: ada.sessionId,
      participant_id: ada.participantId,
      recording_s3_bucket_name: 'recordings',
      recording_s3_key_prefix: expect.stringContaining(ada.participantId),
    },
  });
});

it('a composition makes events for its start and end, and at the end the destinations come first', async () => {
  const stageArn = await stage();
  const { storageConfiguration } = await client.send(
    new CreateStorageConfigurationCommand({ s3: { bucketName: 'recordings' } }),
  );
  const { encoderConfiguration } = await client.send(new CreateEncoderConfigurationCommand({}));
  const s3 = {
    storageConfigurationArn: storageConfiguration?.arn ?? '',
    encoderConfigurationArns: [encoderConfiguration?.arn ?? ''],
  };
  const { composition } = await client.send(new StartCompositionCommand({ stageArn, destinations: [{ s3 }] }));
  ivs.skip(2);
  await client.send(new StopCompositionCommand({ arn: composition?.arn ?? '' }));
  ivs.skip(2);
  const sent = ivs.events().filter(({ event }) => event['detail-type'] === 'IVS Composition State Change');
  expect(sent.map(({ event }) => event.detail.event_name)).toEqual([
    'Session Start',
    'Destination Start',
    'Destination End',
    'Session End',
  ]);
  expect(sent[0]?.event).toMatchObject({ resources: [composition?.arn], detail: { stage_arn: stageArn } });
});

it('events are delivered in their order by default', async () => {
  sendEvents(20);
  await until(() => target.received.length === 20);
  expect(names()).toEqual(Array.from({ length: 20 }, (_, index) => String(index + 1)));
});

it('a lost event is never delivered', async () => {
  ivs.setEvents({ lost: 1 });
  sendEvents(1);
  ivs.setEvents({ lost: 0 });
  sendEvents(1, 2);
  await until(() => state()[1]?.[0] === 'delivered');
  expect(names()).toEqual(['2']);
  expect(state()[0]).toEqual(['lost']);
});

it('a doubled event is delivered twice with one id', async () => {
  ivs.setEvents({ doubled: 1 });
  sendEvents(1);
  await until(() => target.received.length === 2);
  expect(target.received[0]?.body.id).toBe(target.received[1]?.body.id);
});

it('a reordered event is delivered after the next one, or by itself if there is no next one', async () => {
  ivs.setEvents({ reordered: 1 });
  sendEvents(3);
  await until(() => target.received.length === 3);
  expect(names()).toEqual(['2', '1', '3']);
});

it('with the same seed the same events are lost and doubled, and with another seed others', () => {
  const chosen = (seed: number) => {
    ivs.setEvents({ seed, lost: 0.3, doubled: 0.3 });
    const before = ivs.events().length;
    sendEvents(50);
    return ivs
      .events()
      .slice(before)
      .map(({ deliveries }) => (deliveries[0]?.state === 'lost' ? 0 : deliveries.length));
  };
  const first = chosen(7);
  expect(new Set(first)).toEqual(new Set([0, 1, 2]));
  expect(chosen(7)).toEqual(first);
  expect(chosen(8)).not.toEqual(first);
});

it('a late event is delivered after its delay', async () => {
  ivs.setEvents({ late: 1, lateSeconds: 7200 });
  sendEvents(1);
  ivs.setEvents({ late: 0 });
  sendEvents(1, 2);
  await until(() => state()[1]?.[0] === 'delivered');
  ivs.skip(7199);
  expect(state()).toEqual([['waiting'], ['delivered']]);
  ivs.skip(2);
  await until(() => target.received.length === 2);
  expect(names()).toEqual(['2', '1']);
});

it.each([500, 503, 429, 409, 401])(
  'an event that the target answers with %i is sent again, and other events do not wait for it',
  async (status) => {
    target.answer = ({ detail }, count) => ({ status: detail.event_name === '1' && count < 3 ? status : 204 });
    sendEvents(2);
    await until(() => state()[1]?.[0] === 'delivered');
    expect(names()).toEqual(['1', '2']);
    await until(() => ivs.events()[0]?.deliveries[0]?.status === status);
    ivs.skip(1);
    await until(() => state()[0]?.[0] === 'delivered');
    expect(names()).toEqual(['1', '2', '1']);
    expect(ivs.events()[0]?.deliveries[0]).toMatchObject({ attempts: 2, status: 204 });
  },
);

it.each([400, 403, 404, 301])('an event that the target answers with %i is not sent again', async (status) => {
  target.answer = () => ({ status });
  sendEvents(1);
  await until(() => state()[0]?.[0] === 'given-up');
  ivs.skip(3600);
  expect(target.received.length).toBe(1);
});

it('an unreachable target gets its events when it is back, until a day has passed', async () => {
  const { port } = target;
  await target[Symbol.asyncDispose]();
  sendEvents(1);
  await until(() => ivs.events()[0]?.deliveries[0]?.error !== undefined);
  expect(ivs.events()[0]?.deliveries[0]?.error).toContain('ECONNREFUSED');
  target = await Endpoint.start(port);
  ivs.skip(600);
  await until(() => target.received.length === 1);
  target.answer = () => ({ status: 500 });
  sendEvents(1, 2);
  await until(() => {
    ivs.skip(3600);
    return state()[1]?.[0] === 'given-up';
  });
});

it('a target that never answers delays no calls and no other targets', async () => {
  await using other = await Endpoint.start<EventBridgeEvent>();
  target.answer = () => 'never';
  ivs.setEvents({ targets: [{ url: target.url }, { url: other.url }] });
  const ada = await joined(await stage());
  ivs.publish(ada);
  ivs.unpublish(ada);
  await until(() => state()[1]?.[1] === 'delivered');
  expect(other.received.length).toBe(2);
  expect(state()).toEqual([
    ['waiting', 'delivered'],
    ['waiting', 'delivered'],
  ]);
});

it('a target gets only the events of its account or Region', async () => {
  ivs.setEvents({
    targets: [
      { url: target.url, account: '999988887777' },
      { url: `${target.url}eu`, region: 'eu-west-1' },
    ],
  });
  const sendEventOf = (resource: string) =>
    ivs.sendEvent({ type: 'IVS Stage Update', resource, detail: { event_name: resource } });
  sendEventOf('arn:aws:ivs:us-west-2:111122223333:stage/a');
  sendEventOf('arn:aws:ivs:us-west-2:999988887777:stage/b');
  sendEventOf('arn:aws:ivs:eu-west-1:111122223333:stage/c');
  await until(() => target.received.length === 2);
  expect(ivs.events().map(({ deliveries }) => deliveries.length)).toEqual([0, 1, 1]);
});

it('each event is lost with the given probability by itself', () => {
  const draws = [0.4, 0.6, 0.4];
  const bus = new EventBus(new Clock(), () => draws.shift() ?? 1);
  bus.change({ targets: [{ url: target.url }], lost: 0.5 });
  const source = { account: '111122223333', region: 'us-west-2' };
  for (const name of ['1', '2', '3']) bus.emit(source, 'IVS Stage Update', 'arn', { event_name: name });
  expect(bus.sent.map(({ deliveries }) => deliveries[0]?.state)).toEqual(['lost', 'waiting', 'lost']);
  bus.stop();
});

it.each<[Record<string, unknown>, string]>([
  [{ lost: 2 }, 'lost must be'],
  [{ lost: '1' }, 'lost must be'],
  [{ lateSeconds: -1 }, 'lateSeconds must be'],
  [{ seed: -1 }, 'seed must be'],
  [{ seed: 0.5 }, 'seed must be'],
  [{ targets: 'http://x' }, 'targets must be'],
  [{ targets: [{ url: 'file:///etc/passwd' }] }, 'the url of a target'],
  [{ targets: [{ url: 'http://x', method: 'PUT' }] }, 'no member method'],
  [{ targets: [{ url: 'http://x', headers: { a: 1 } }] }, 'must be text'],
  [{ targets: [null] }, 'a target must be'],
  [{ speed: 1 }, 'no setting speed'],
])('wrong settings are refused: %j', (settings, message) => {
  expect(() => ivs.setEvents(settings as Partial<EventSettings>)).toThrow(ControlError);
  expect(() => ivs.setEvents(settings as Partial<EventSettings>)).toThrow(message);
});

it('the control API changes settings, sends events and lists them', async () => {
  const call = async (method: string, path: string, body?: object) => {
    const reply = await fetch(`${ivs.url}/_emulator/${path}`, { method, ...(body && { body: JSON.stringify(body) }) });
    return { status: reply.status, body: (await reply.json()) as Record<string, unknown> };
  };
  expect((await call('PUT', 'events/settings', { doubled: 0.5 })).body).toMatchObject({ doubled: 0.5, lost: 0 });
  const event = {
    type: 'IVS Composition State Change',
    resource: 'arn:aws:ivs:us-west-2:111122223333:composition/abc',
    detail: { event_name: 'Session Failure' },
  };
  expect((await call('POST', 'events', event)).status).toBe(200);
  expect((await call('POST', 'events', { ...event, type: 'x' })).status).toBe(400);
  expect((await call('POST', 'events', { ...event, resource: 'x' })).status).toBe(400);
  expect((await call('POST', 'events', { ...event, detail: {} })).status).toBe(400);
  const { events } = (await call('GET', 'events')).body as { events: { event: EventBridgeEvent }[] };
  expect(events.map(({ event }) => event.detail.event_name)).toEqual(['Session Failure']);
  ivs.reset();
  expect((await call('GET', 'events/settings')).body).toMatchObject({ doubled: 0, targets: [{ url: target.url }] });
});
