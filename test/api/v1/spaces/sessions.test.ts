/** Sessions of stages and who is there: what looks find where IVS tells nothing. */
import { CreateParticipantTokenCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { inParallel } from '../../../support/full-size.ts';
import { type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ PRESENCE_LOOK_SECONDS: '1', VENDS_PER_USER_PER_MINUTE: '1000' });
  tenant = await stagedoor.createTenant();
});
afterAll(() => stagedoor.stop());

/** A user who got a stage token and is on the stage. */
async function onStage(
  space: Json,
  userId: string,
  role = 'viewer',
): Promise<{ stageArn: string; participantId: string }> {
  const body = { userId, role };
  const token = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, body));
  const { stageArn, participantId } = stagedoor.ivs.join(token['token']);
  return { stageArn, participantId };
}

/** The events of a space about its sessions and participants, in the order of the log. */
async function eventsOf(space: Json): Promise<Json[]> {
  const all: Json[] = [];
  for (let cursor = ''; ;) {
    const page = await stagedoor.expect(
      200,
      stagedoor.get(`/v1/events?limit=100&spaceId=${space['id']}${cursor && `&cursor=${cursor}`}`, tenant.key),
    );
    all.push(...(page['data'] as Json[]));
    if (page['hasMore'] !== true) return all.filter(({ type }) => /^(session|participant)\./.test(type as string));
    cursor = page['nextCursor'] as string;
  }
}

const told = async (space: Json) =>
  (await eventsOf(space)).map(({ type, userId }) => `${type}${userId === undefined ? '' : ` ${userId}`}`);

/** Waits until the log has told so much of a space. */
async function toldSoFar(space: Json, count: number, what: string): Promise<string[]> {
  let log: string[] = [];
  await until(async () => {
    // Nobody waits for the next look: it is due now.
    await stagedoor.database.query(`update stage_looks set next_at = now() where space_id = $1 and next_at > now()`, [
      space['id'],
    ]);
    log = await told(space);
    return log.length >= count;
  }, what);
  return log;
}

test('who joins, publishes and leaves is told of in order, although IVS tells nothing', async () => {
  const space = await stagedoor.createSpace(tenant);
  const viewer = await onStage(space, 'vera');
  expect(await toldSoFar(space, 2, 'the session has started')).toEqual(['session.started', 'participant.joined vera']);
  const speaker = await onStage(space, 'sam', 'speaker');
  stagedoor.ivs.publish(speaker);
  await toldSoFar(space, 4, 'the speaker has joined and publishes');
  stagedoor.ivs.leave(speaker);
  await toldSoFar(space, 6, 'the speaker has left');
  stagedoor.ivs.leave(viewer);
  expect(await toldSoFar(space, 8, 'the session has ended')).toEqual([
    'session.started',
    'participant.joined vera',
    'participant.joined sam',
    'participant.published sam',
    'participant.unpublished sam',
    'participant.left sam',
    'participant.left vera',
    'session.ended',
  ]);
  const joined = (await eventsOf(space)).find(({ type }) => type === 'participant.joined');
  expect(joined?.['data']).toMatchObject({ role: 'viewer', leftAt: null, certainty: 'confirmed', stays: 1 });
  expect(joined?.['data'].grantId).toMatch(/^grt_/);
  // Nobody is there, and the tokens are used up: no look is due until there is news.
  await stagedoor.database.query(`update stage_looks set expected_until = now() where space_id = $1`, [space['id']]);
  await until(async () => {
    const [row] = await stagedoor.database.query(
      'select next_at is null as rests from stage_looks where space_id = $1',
      [space['id']],
    );
    return row?.['rests'] === true;
  }, 'the looks rest');
});

test('a session that began and ended between two looks is told of, with everybody who was there', async () => {
  const space = await stagedoor.createSpace(tenant);
  const first = await onStage(space, 'first');
  await toldSoFar(space, 2, 'the first session has started');
  await stagedoor.database.query(`update stage_looks set next_at = 'infinity' where space_id = $1`, [space['id']]);
  stagedoor.ivs.leave(first);
  const quick = await onStage(space, 'quick', 'speaker');
  stagedoor.ivs.publish(quick);
  stagedoor.ivs.leave(quick);
  const log = await toldSoFar(space, 10, 'both sessions have ended');
  expect(log.toSorted()).toEqual([
    'participant.joined first',
    'participant.joined quick',
    'participant.left first',
    'participant.left quick',
    'participant.published quick',
    'participant.unpublished quick',
    'session.ended',
    'session.ended',
    'session.started',
    'session.started',
  ]);
  const ofQuick = log.filter((line) => line.endsWith(' quick'));
  expect(ofQuick.map((line) => line.split(' ')[0])).toEqual([
    'participant.joined',
    'participant.published',
    'participant.unpublished',
    'participant.left',
  ]);
});

test('a stage with more people than IVS lists in one call is noted as a whole, each of them once', async () => {
  const space = await stagedoor.createSpace(tenant);
  const stageArn = (space['stage'] as Json)['arn'] as string;
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const ivs = new IVSRealTimeClient({ endpoint: stagedoor.ivs.url, region: 'us-east-1', credentials });
  const crowd: { stageArn: string; participantId: string }[] = [];
  await inParallel(130, 10, async (n) => {
    const made = await ivs.send(new CreateParticipantTokenCommand({ stageArn, userId: `crowd-${n}` }));
    const { participantId } = stagedoor.ivs.join(String(made.participantToken?.token));
    crowd.push({ stageArn, participantId });
  });
  ivs.destroy();
  await onStage(space, 'vera');
  const log = await toldSoFar(space, 132, 'everybody has joined');
  expect(new Set(log).size).toBe(132);
  for (const one of crowd) stagedoor.ivs.leave(one);
  const after = await toldSoFar(space, 262, 'everybody else has left');
  expect(new Set(after).size).toBe(262);
  expect(after.filter((line) => line === 'participant.left vera')).toEqual([]);
});

test('a stage that IVS does not have any more has nobody on it', async () => {
  const space = await stagedoor.createSpace(tenant);
  await onStage(space, 'vera');
  await toldSoFar(space, 2, 'the session has started');
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/spaces/${space['id']}`, { as: tenant.key }));
  const log = await toldSoFar(space, 4, 'the session has ended');
  expect(log.slice(2)).toEqual(['participant.left vera', 'session.ended']);
});
