/** Sessions of stages and who is there: what looks find where IVS tells nothing. */
import { CreateParticipantTokenCommand, IVSRealTimeClient } from '@aws-sdk/client-ivs-realtime';
import { ReportedEvents } from '../../../../src/sessions/reported-events.ts';
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

describe('what is shown of a session', () => {
  let space: Json;
  let sessionId: string;
  let here: string;
  const stay: Record<string, string> = {};

  beforeAll(async () => {
    space = await stagedoor.createSpace(tenant);
    const formula = await onStage(space, '=cmd', 'speaker');
    const viewer = await onStage(space, 'vera');
    stagedoor.ivs.publish(formula);
    await toldSoFar(space, 4, 'both have joined, and one publishes');
    stagedoor.ivs.leave(formula);
    await toldSoFar(space, 6, 'one has left');
    Object.assign(stay, { formula: formula.participantId, viewer: viewer.participantId });
    const { body } = await stagedoor.get(`/v1/spaces/${space['id']}/sessions`, tenant.key);
    sessionId = body['data'][0].sessionId;
    here = `/v1/spaces/${space['id']}/sessions/${sessionId}`;
  });

  const get = (path: string) => stagedoor.expect(200, stagedoor.get(path, tenant.key));

  /** All entries of a list, page after page of one entry. */
  async function all(path: string): Promise<Json[]> {
    const entries: Json[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Json = await get(`${path}?limit=1${cursor && `&cursor=${cursor}`}`);
      entries.push(...(page['data'] as Json[]));
      cursor = page['nextCursor'];
    }
    return entries;
  }

  test('the session itself, in the list and alone', async () => {
    const session = { sessionId, spaceId: space['id'], startedAt: expect.any(String), endedAt: null, participants: 2 };
    expect(await all(`/v1/spaces/${space['id']}/sessions`)).toEqual([session]);
    expect(await get(here)).toEqual(session);
  });

  test('its participants, those who left too', async () => {
    const rows = await all(`${here}/participants`);
    expect(rows.map(({ participantId }) => participantId)).toEqual(Object.values(stay).toSorted());
    const formula = rows.find(({ userId }) => userId === '=cmd');
    expect(formula).toMatchObject({
      participantId: stay['formula'],
      role: 'speaker',
      leftAt: expect.any(String),
      stays: 1,
      published: true,
      publishing: false,
      certainty: 'confirmed',
    });
    expect(rows.find(({ userId }) => userId === 'vera')).toMatchObject({ leftAt: null, published: false });
  });

  test('the attendance as JSON, and as a file that no spreadsheet takes for a program', async () => {
    const rows = await all(`${here}/attendance`);
    const { seconds, ...formula } = rows.find(({ userId }) => userId === '=cmd') ?? {};
    expect(formula).toMatchObject({ participantId: stay['formula'], role: 'speaker', stays: 1, published: true });
    expect(seconds).toBeGreaterThanOrEqual(0);
    const headers = { accept: 'text/csv' };
    const file = await stagedoor.request('GET', `${here}/attendance`, { as: tenant.key, headers });
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'text/csv; charset=utf-8; header=present']);
    expect(file.headers.get('content-disposition')).toBe(`attachment; filename="attendance-${sessionId}.csv"`);
    const lines = file.text.split('\r\n');
    expect(lines[0]).toBe('userId,participantId,role,joinedAt,leftAt,seconds,stays,published');
    expect(lines.slice(1, 3).map((line) => line.split(',').slice(0, 3))).toEqual(
      [
        ["'=cmd", stay['formula'], 'speaker'],
        ['vera', stay['viewer'], 'viewer'],
      ].toSorted((one, other) => ((one[1] ?? '') < (other[1] ?? '') ? -1 : 1)),
    );
    expect(lines.slice(3)).toEqual(['']);
    const both = { accept: 'application/json, text/csv' };
    expect(
      (await stagedoor.request('GET', `${here}/attendance`, { as: tenant.key, headers: both })).body['data'],
    ).toHaveLength(2);
  });

  test.each(['oldest-first', 'newest-first'] as const)(
    'what happened to a participant, oldest first, where IVS lists it %s',
    async (participantEventsOrder) => {
      stagedoor.ivs.setSwitches({ participantEventsOrder });
      const rows = await all(`${here}/participants/${stay['formula']}/events`);
      expect(rows.map(({ name }) => name)).toEqual(['JOINED', 'PUBLISH_STARTED', 'PUBLISH_STOPPED', 'LEFT']);
    },
  );

  test.each([
    ['a session that is not there', () => here.replace(sessionId, 'st-none')],
    ['an id that is none', () => here.replace(sessionId, 'none')],
    ['its participants', () => `${here.replace(sessionId, 'st-none')}/participants`],
    ['its attendance', () => `${here.replace(sessionId, 'st-none')}/attendance`],
    ['the events of a participant who was not there', () => `${here}/participants/nobody/events`],
  ])('%s is not found', async (_, path) => {
    expect((await stagedoor.get(path(), tenant.key)).status).toBe(404);
    const headers = { accept: 'text/csv' };
    expect((await stagedoor.request('GET', path(), { as: tenant.key, headers })).status).toBe(404);
  });

  test.each(['participants?certainty=surely', 'participants?certainty='])('%s is refused', async (path) => {
    expect((await stagedoor.get(`/v1/spaces/${space['id']}/${path}`, tenant.key)).status).toBe(400);
  });

  test('who is there now: listed by IVS, reported by an event, or the holder of a token', async () => {
    const pass = await stagedoor.expect(
      201,
      stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'holder' }),
    );
    const participants = `/v1/spaces/${space['id']}/participants`;
    expect((await get(participants))['data']).toMatchObject([
      { userId: 'vera', participantId: stay['viewer'], state: 'CONNECTED', certainty: 'confirmed', kind: 'stage' },
    ]);
    const stageArn = space['stage'].arn as string;
    const event = { name: 'Participant Published', stageArn, sessionId, participantId: 'zReported1', userId: 'rita' };
    const at = new Date(Date.now() + 60_000); // the service takes it for now
    await stagedoor.app.get(ReportedEvents).report({ ...event, at });
    const everybody: Json[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query = `?limit=2&certainty=confirmed,reported,presumed${cursor && `&cursor=${cursor}`}`;
      const page: Json = await get(participants + query);
      everybody.push(...(page['data'] as Json[]));
      cursor = page['nextCursor'];
    }
    const seen = everybody.map(({ certainty, kind, userId }) => `${certainty} ${kind} ${userId}`);
    // The list may be newer than the event, which then no list confirms.
    expect(seen).toEqual(
      expect.arrayContaining(['confirmed stage vera', 'presumed stage holder', 'presumed chat holder']),
    );
    expect(seen).not.toContain('presumed stage vera');
    const ofHolder = everybody.find(({ kind, userId }) => kind === 'stage' && userId === 'holder');
    expect(ofHolder).toMatchObject({ grantId: pass['stage'].grantId, state: 'UNKNOWN', publishing: false });
    expect((await get(`${participants}?certainty=presumed`))['data']).not.toHaveLength(0);
  });

  test('a cursor of people presumed, whose time is none, is bad input', async () => {
    const cursor = Buffer.from('held:2026-99-99T00:00:00.000Z grt_x').toString('base64url');
    const path = `/v1/spaces/${space['id']}/participants?certainty=presumed&cursor=${cursor}`;
    const { status, body } = await stagedoor.get(path, tenant.key);
    expect([status, body['code']]).toEqual([400, 'invalid_request']);
  });

  test('while IVS cannot be asked, the last list is shown, if it is fresh', async () => {
    await until(async () => {
      const [row] = await stagedoor.database.query('select looked_at from stage_looks where space_id = $1', [
        space['id'],
      ]);
      return row?.['looked_at'] !== null;
    }, 'a look was made');
    const fault = stagedoor.ivs.fault({ operation: 'GetStage', effect: { error: 'InternalServerException' } });
    const participants = `/v1/spaces/${space['id']}/participants`;
    await until(async () => {
      const { status, body } = await stagedoor.get(participants, tenant.key);
      return status === 200 && (body['data'] as Json[]).some(({ userId }) => userId === 'vera');
    }, 'the last list is shown');
    await stagedoor.database.query(
      `update stage_looks set looked_at = now() - interval '1 hour', next_at = 'infinity'`,
    );
    await until(async () => (await stagedoor.get(participants, tenant.key)).status === 503, 'it is too old');
    stagedoor.ivs.clearFaults(fault.id);
  });
});
