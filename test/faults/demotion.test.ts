/** Demoted participants, judged by the events of IVS in each order and precision that AWS's documents show. */
import { randomUUID } from 'node:crypto';
import { onStage } from '../support/chat.ts';
import { inParallel, sized } from '../support/full-size.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const orders = ['oldest-first', 'newest-first', 'newest-time-first'] as const;
const times = ['milliseconds', 'seconds'] as const;
const combinations = orders.flatMap((order) => times.map((time) => [order, time] as const));

/** Number of participants who do the same. IVS lets twelve publish at once, and a try without a token to exchange leaves one. */
const people = sized(2, 6);

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  space = await stagedoor.createSpace(tenant, { room: false });
});
afterAll(() => stagedoor.stop());

interface Demoted {
  ref: { stageArn: string; participantId: string };
  old: string;
  lesser: string;
}

/** A user who has come in as a speaker, and is a viewer now. */
async function demoted(publishes: boolean): Promise<Demoted> {
  const userId = `user-${randomUUID()}`;
  const as = tenant.key;
  const [user, member] = [`/v1/spaces/${space['id']}/users/${userId}`, `/v1/spaces/${space['id']}/members/${userId}`];
  for (;;) {
    await stagedoor.expect(200, stagedoor.request('PUT', member, { as, body: { role: 'speaker' } }));
    const pass = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, as, { userId }));
    const ref = { stageArn: space['stage'].arn, participantId: pass['participantId'] };
    stagedoor.ivs.join(pass['token']);
    if (publishes) stagedoor.ivs.publish(ref);
    const { body } = await stagedoor.post(`${user}/role`, as, { role: 'viewer' });
    // A machine that is too slow gives no token to exchange.
    if (!body['exchange']) continue;
    // Nobody is looked at before everybody has done their deed, however slow the machine is.
    await stagedoor.database.query(
      `update holds set watch_from = now() + interval '1 hour' where participant_id = '${ref.participantId}'`,
    );
    return { ref, old: pass['token'], lesser: body['exchange'].token };
  }
}

/** What a demoted participant does at once. */
type Deed = (tokens: Demoted) => void;

const deeds: [string, boolean, 'stays' | 'is put out', Deed][] = [
  [
    'publishes and exchanges in one second',
    false,
    'stays',
    ({ ref, lesser }) => {
      stagedoor.ivs.publish(ref);
      stagedoor.ivs.exchange(ref, lesser);
    },
  ],
  [
    'comes back with the old token, publishes and exchanges',
    true,
    'stays',
    ({ ref, old, lesser }) => {
      stagedoor.ivs.leave(ref);
      stagedoor.ivs.join(old);
      stagedoor.ivs.publish(ref);
      stagedoor.ivs.exchange(ref, lesser);
    },
  ],
  [
    'exchanges, and comes back with the old token to publish',
    true,
    'is put out',
    ({ ref, old, lesser }) => {
      stagedoor.ivs.exchange(ref, lesser);
      stagedoor.ivs.leave(ref);
      stagedoor.ivs.join(old);
      stagedoor.ivs.publish(ref);
    },
  ],
];

/** Makes the looks at these participants due, in the order in which the service takes its locks. */
async function lookNow(participants: string[]): Promise<void> {
  const ids = participants.map((id) => `'${id}'`).join(', ');
  await stagedoor.database.query(`
    update watches set next_at = now() where space_id = '${space['id']}';
    update holds set watch_from = now() where participant_id in (${ids})`);
}

/** How often the events of the participant who was looked at least have been read. */
function looks(participants: string[]): number {
  const read = stagedoor.ivs
    .journal({ operation: 'ListParticipantEvents' })
    .map(({ input }) => (input as { participantId: string }).participantId);
  return Math.min(...participants.map((id) => read.filter((one) => one === id).length));
}

describe.each(combinations)('with the events %s, in %s,', (participantEventsOrder, participantEventTimes) => {
  beforeEach(() => stagedoor.ivs.setSwitches({ participantEventsOrder, participantEventTimes }));

  test.each(deeds)('a participant who %s (publishing before: %s) %s', async (_, publishes, outcome, deed) => {
    const all: Demoted[] = [];
    await inParallel(people, 4, async () => {
      all.push(await demoted(publishes));
    });
    await until(() => Date.now() % 1_000 < 400, 'a second has begun');
    for (const one of all) deed(one);
    const ids = all.map(({ ref }) => ref.participantId);
    const inside = () => onStage(stagedoor, space['stage'].arn).filter((id) => ids.includes(id)).length;
    expect(inside()).toBe(people);
    if (outcome === 'stays') {
      // The second look begins after the result of the first is recorded.
      for (const nth of [1, 2]) {
        await lookNow(ids);
        await until(() => looks(ids) >= nth, 'everybody is looked at');
      }
      expect(inside()).toBe(people);
    } else {
      await lookNow(ids);
      await until(() => inside() === 0, 'everybody is out');
    }
    for (const id of onStage(stagedoor, space['stage'].arn)) {
      stagedoor.ivs.leave({ stageArn: space['stage'].arn, participantId: id });
    }
  });
});
