/**
 * Events of IVS that are lost, doubled, disordered and an hour late, against a model: who is known to be on a stage in the end
 * is the same as where all events come in order, and the tenant's log tells of each participant in order and nothing twice.
 */
import { createHash } from 'node:crypto';
import type { Emulator } from '../../emulator/src/emulator.ts';
import { sized } from '../support/full-size.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const people = sized(6, 16);
const rounds = sized(6, 60);
const seeds = [1, 2];

/** IVS lets so many publish (AWS user guide, service quotas). */
const mostPublishers = 12;

const secret = 'ingest-secret-of-the-tests-0123456789';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  // The stages are looked at every second, so that the test need not wait long for what nobody reports.
  stagedoor = await Stagedoor.start({ IVS_EVENTS_SECRET: secret, PRESENCE_LOOK_SECONDS: '1' });
  tenant = await stagedoor.createTenant();
  // The tokens are good when the late events come.
  const role = { stage: { capabilities: ['PUBLISH', 'SUBSCRIBE'], ttlSeconds: 12 * 3600 }, chat: null };
  await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/speaker', { as: tenant.key, body: role }));
  const targets = [{ url: `${stagedoor.url}/ingest/ivs-events`, headers: { 'x-stagedoor-ingest-secret': secret } }];
  stagedoor.ivs.setEvents({ targets });
});
afterAll(() => stagedoor.stop());

/** Somebody of the model, as they really are. */
interface Person {
  userId: string;
  token: string;
  on: ReturnType<Emulator['join']> | undefined;
  publishes: boolean;
  hasPublished: boolean;
}

/** A stage, and the people who come and go there. */
interface Stage {
  spaceId: string;
  arn: string;
  people: Person[];
}

async function makeStage(): Promise<Stage> {
  const space = await stagedoor.createSpace(tenant, { room: false });
  const made: Person[] = [];
  for (let n = 0; n < people; n++) {
    const body = { userId: `user${n}`, role: 'speaker' };
    const { stage } = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, body));
    made.push({ userId: body.userId, token: stage.token, on: undefined, publishes: false, hasPublished: false });
  }
  return { spaceId: space['id'], arn: space['stage'].arn, people: made };
}

/** A number in [0, 1) that depends on these words alone. */
function chance(...words: (string | number)[]): number {
  return createHash('sha256').update(words.join(' ')).digest().readUInt32BE() / 2 ** 32;
}

/** What one person does in a round. The first one never leaves, so that the session goes on. */
function act(stage: Stage, person: Person, luck: number): void {
  const { ivs } = stagedoor;
  const isFirst = person === stage.people[0];
  if (!person.on) {
    if (isFirst || luck < 0.7) person.on = ivs.join(person.token);
  } else if (luck < 0.25 && !isFirst) {
    leave(person);
  } else if (luck < 0.7 && person.publishes) {
    ivs.unpublish(person.on);
    person.publishes = false;
  } else if (luck < 0.7 && stage.people.filter(({ publishes }) => publishes).length < mostPublishers) {
    ivs.publish(person.on);
    person.publishes = true;
    person.hasPublished = true;
  }
}

function leave(person: Person): void {
  if (person.on) stagedoor.ivs.leave(person.on);
  person.on = undefined;
  person.publishes = false;
}

/** Lets everybody come, go and publish. IVS gives whole seconds, so nobody does two things in one second. */
async function play(stages: Stage[], seed: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (const [at, stage] of stages.entries())
      for (const [n, person] of stage.people.entries()) act(stage, person, chance(seed, at, round, n));
    const second = Math.floor(Date.now() / 1_000);
    await until(() => Math.floor(Date.now() / 1_000) > second + 1, 'the next second has come');
  }
  // Everybody leaves one of the stages in the end, and some leave the other.
  for (const person of stages[1]?.people ?? []) leave(person);
}

/** What the emulator has sent about a stage, with whether it arrived, and whether it had to be sent again. */
function sentOf({ arn }: Stage): { user: string; name: string; arrived: boolean; again: boolean }[] {
  return stagedoor.ivs
    .events()
    .filter(({ event }) => event.resources[0] === arn)
    .map(({ event, deliveries }) => ({
      user: event.detail['user_id'] ?? '',
      name: event.detail.event_name,
      arrived: deliveries.some(({ state }) => state === 'delivered'),
      again: deliveries.some(({ attempts }) => attempts > 1),
    }));
}

const isSettled = () =>
  stagedoor.ivs.events().every(({ deliveries }) => deliveries.every(({ state }) => state !== 'waiting'));

/** Who is on a stage, as Stagedoor knows. */
async function knownOf({ spaceId }: Stage) {
  const rows = await stagedoor.database.query(
    `select user_id, left_at is null as here, publishing, has_published from stage_participants
      where tenant_id = $1 and space_id = $2 order by user_id`,
    [tenant.id, spaceId],
  );
  return new Map(rows.map((row) => [String(row['user_id']), row]));
}

async function sessionsOf({ spaceId }: Stage): Promise<Json | undefined> {
  const [row] = await stagedoor.database.query(
    `select count(*)::int as all, count(ended_at)::int as ended from stage_sessions where tenant_id = $1 and space_id = $2`,
    [tenant.id, spaceId],
  );
  return row;
}

/** Waits until who is here is who is there. */
async function whoIsHere(stage: Stage): Promise<void> {
  const there = stage.people.filter(({ on }) => on).map(({ userId }) => userId);
  const here = async () => [...(await knownOf(stage))].filter(([, row]) => row['here']).map(([user]) => user);
  await until(
    async () => (await here()).join() === there.sort().join(),
    `${there.join()} are known to be on the stage`,
  );
}

/** The types of the events of each participant, in the order of the log. */
async function logOf({ spaceId }: Stage): Promise<Map<string, string[]>> {
  const types = ['joined', 'published', 'unpublished', 'left'].map((name) => `participant.${name}`).join();
  const log = new Map<string, string[]>();
  let cursor = '';
  for (;;) {
    const path = `/v1/events?limit=100&spaceId=${spaceId}&type=${types}${cursor}`;
    const page = await stagedoor.expect(200, stagedoor.get(path, tenant.key));
    for (const { userId, type } of page['data'] as Json[]) log.set(userId, [...(log.get(userId) ?? []), type]);
    if (page['hasMore'] === false) return log;
    cursor = `&cursor=${page['nextCursor']}`;
  }
}

/** What may follow on what in the log of a participant. */
const follows: Record<string, string[]> = {
  '': ['participant.joined'],
  'participant.joined': ['participant.published', 'participant.left'],
  'participant.published': ['participant.unpublished'],
  'participant.unpublished': ['participant.published', 'participant.left'],
  'participant.left': ['participant.joined'],
};

/** The log of each participant is in order, nothing is doubled, and its end is what is known of them. */
async function checkLog(stage: Stage): Promise<Map<string, string[]>> {
  const known = await knownOf(stage);
  let log = new Map<string, string[]>();
  await until(async () => {
    log = await logOf(stage);
    return [...known].every(([user, row]) => (log.get(user)?.at(-1) === 'participant.left') === !row['here']);
  }, 'the log tells of everybody');
  for (const [user, types] of log) {
    const wrong = types.filter((type, at) => !follows[types[at - 1] ?? '']?.includes(type));
    expect({ user, types, wrong }).toEqual({ user, types, wrong: [] });
    const row = known.get(user);
    const publishing = types.at(-1) === 'participant.published';
    expect({ user, publishing }).toEqual({ user, publishing: row?.['publishing'] });
  }
  return log;
}

/** What is known of everybody is what they do, as far as IVS has told it or a look can tell. */
async function checkState(stage: Stage, isOver: boolean): Promise<void> {
  await whoIsHere(stage);
  // A look finds the end of a session, after people were found to have left.
  if (isOver) await until(async () => (await sessionsOf(stage))?.['ended'] === 1, 'the session is over');
  expect(await sessionsOf(stage)).toEqual({ all: 1, ended: isOver ? 1 : 0 });
  const known = await knownOf(stage);
  for (const person of stage.people) {
    const sent = sentOf(stage).filter(({ user }) => user === person.userId);
    const row = known.get(person.userId);
    // A look lists who is there, and at the end of a session who was there.
    const isListed = person.on !== undefined || isOver;
    if (isListed) expect([person.userId, row?.['has_published']]).toEqual([person.userId, person.hasPublished]);
    // Nothing but the event says that somebody has stopped to publish and stays.
    if (person.on && (sent.length === 0 || sent.at(-1)?.arrived))
      expect([person.userId, row?.['publishing']]).toEqual([person.userId, person.publishes]);
    if (sent.some(({ arrived }) => arrived)) expect([person.userId, row !== undefined]).toEqual([person.userId, true]);
  }
}

test('events that all come in order tell what happens', async () => {
  const stages = [await makeStage(), await makeStage()];
  await play(stages, seeds[0]!);
  await until(isSettled, 'all events are delivered');
  for (const [at, stage] of stages.entries()) {
    await checkState(stage, at === 1);
    const log = await checkLog(stage);
    for (const { userId } of stage.people) {
      const sent = sentOf(stage).filter(({ user }) => user === userId);
      // A busy machine has an event sent again. Then the events of this participant did not come in order.
      if (sent.some(({ again }) => again)) continue;
      const told = (log.get(userId) ?? []).filter((type) => type.endsWith('published'));
      expect([userId, told]).toEqual([
        userId,
        sent.map(({ name }) =>
          name === 'Participant Published' ? 'participant.published' : 'participant.unpublished',
        ),
      ]);
    }
  }
});

test('events that are lost, doubled, disordered and an hour late lead to the same state', async () => {
  const stages = [await makeStage(), await makeStage()];
  stagedoor.ivs.setEvents({
    seed: seeds[1]!,
    lost: 0.1,
    doubled: 0.2,
    reordered: 0.3,
    late: 0.3,
    lateSeconds: 3600,
  });
  await play(stages, seeds[0]!);
  // Looks find who is there, although IVS has not told of everybody.
  for (const stage of stages) await whoIsHere(stage);
  stagedoor.ivs.skip(3601);
  await until(isSettled, 'all events are delivered or lost');
  const outcomes = stages.flatMap(sentOf);
  expect(outcomes.filter(({ arrived }) => !arrived).length).toBeGreaterThan(0);
  for (const [at, stage] of stages.entries()) {
    await checkState(stage, at === 1);
    await checkLog(stage);
  }
});
