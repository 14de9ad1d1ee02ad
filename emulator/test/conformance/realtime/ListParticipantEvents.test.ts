import {
  CreateParticipantTokenCommand,
  ImportPublicKeyCommand,
  ListParticipantEventsCommand,
} from '@aws-sdk/client-ivs-realtime';
import { claimsFor, newKeyPair, signToken } from '../../support/self-signed.ts';
import { conformance, refusedInput } from '../../support/conformance.ts';

const t = conformance();

async function join(stageArn: string, input: object = {}) {
  const { participantToken } = await t.realtime.send(new CreateParticipantTokenCommand({ stageArn, ...input }));
  return t.emulator.join(participantToken?.token ?? '');
}

t.onEmulator('lists the events of a participant in their order', async () => {
  const { arn: stageArn } = await t.stage();
  const host = await join(stageArn);
  const viewer = await join(stageArn, { capabilities: ['SUBSCRIBE'] });
  t.emulator.publish(host);
  t.emulator.subscribe(viewer, host.participantId);
  t.emulator.unsubscribe(viewer, host.participantId);
  expect(() => t.emulator.publish(viewer)).toThrow(/does not allow/);
  t.emulator.leave(viewer);
  const { participantId, sessionId } = viewer;
  const { events } = await t.realtime.send(new ListParticipantEventsCommand({ stageArn, sessionId, participantId }));
  expect(events).toMatchObject([
    { name: 'JOINED' },
    { name: 'SUBSCRIBE_STARTED', remoteParticipantId: host.participantId },
    { name: 'SUBSCRIBE_STOPPED', remoteParticipantId: host.participantId },
    { name: 'PUBLISH_ERROR', errorCode: 'INSUFFICIENT_CAPABILITIES' },
    { name: 'LEFT' },
  ]);
});

t.onEmulator.each([
  ['oldest-first', 'milliseconds', ['JOINED', 'PUBLISH_STARTED', 'PUBLISH_STOPPED', 'LEFT']],
  ['newest-first', 'seconds', ['LEFT', 'PUBLISH_STOPPED', 'PUBLISH_STARTED', 'JOINED']],
  // The join and the leave are at least two seconds apart by the emulator's clock, and each pair is of one time or not.
  ['newest-time-first', 'seconds', undefined],
] as const)('lists the events %s with times in %s, page by page, as the switches say', async (order, times, names) => {
  const { arn: stageArn } = await t.stage();
  const host = await join(stageArn);
  t.emulator.publish(host);
  t.emulator.skip(2.5);
  t.emulator.unpublish(host);
  t.emulator.leave(host);
  t.emulator.setSwitches({ participantEventsOrder: order, participantEventTimes: times });
  const { participantId, sessionId } = host;
  const input = { stageArn, sessionId, participantId, maxResults: 3 };
  const { events: page1 = [], nextToken } = await t.realtime.send(new ListParticipantEventsCommand(input));
  const { events: page2 = [] } = await t.realtime.send(new ListParticipantEventsCommand({ ...input, nextToken }));
  t.emulator.setSwitches({ participantEventsOrder: 'oldest-first', participantEventTimes: 'milliseconds' });
  const events = [...page1, ...page2];
  const shown = events.map(({ eventTime }) => eventTime?.getTime() ?? 0);
  expect(events).toHaveLength(4);
  if (names) expect(events.map(({ name }) => name)).toEqual(names);
  else {
    expect(shown).toEqual(shown.toSorted((a, b) => b - a));
    const place = (name: string) => events.findIndex((event) => event.name === name);
    for (const [first, second] of [
      ['JOINED', 'PUBLISH_STARTED'],
      ['PUBLISH_STOPPED', 'LEFT'],
    ] as const) {
      if (shown[place(first)] === shown[place(second)]) expect(place(first)).toBeLessThan(place(second));
    }
  }
  if (times === 'seconds') expect(shown.filter((time) => time % 1000 !== 0)).toEqual([]);
});

t.onEmulator(
  'lists both tokens of a token exchange, which removes the capabilities that the new token lacks',
  async () => {
    const stage = await t.stage();
    const { privateKey, publicKeyMaterial } = newKeyPair();
    const { publicKey } = await t.realtime.send(new ImportPublicKeyCommand({ publicKeyMaterial }));
    const sign = (overrides = {}) => signToken(privateKey, publicKey?.arn, claimsFor(stage, overrides));
    const joined = t.emulator.join(sign());
    t.emulator.publish(joined);
    t.emulator.exchange(joined, sign({ capabilities: { allow_subscribe: true }, user_id: 'u-2' }));
    expect(() => t.emulator.exchange(joined, sign({ jti: 'somebodyelse' }))).toThrow(/one participant/);
    const { participantId, sessionId } = joined;
    const { events } = await t.realtime.send(
      new ListParticipantEventsCommand({ stageArn: stage.arn, sessionId, participantId }),
    );
    expect(events).toMatchObject([
      { name: 'JOINED' },
      { name: 'PUBLISH_STARTED' },
      {
        name: 'TOKEN_EXCHANGED',
        previousToken: { userId: 'u-1', capabilities: ['PUBLISH', 'SUBSCRIBE'] },
        newToken: { userId: 'u-2', capabilities: ['SUBSCRIBE'] },
      },
      { name: 'PUBLISH_STOPPED' },
    ]);
  },
);

it('refuses a participant id with an underscore', async () => {
  const { arn: stageArn } = await t.stage();
  const sessionId = 'st-1CVugbu2cf2n8';
  await refusedInput(t.realtime.send(new ListParticipantEventsCommand({ stageArn, sessionId, participantId: 'a_b' })));
});
