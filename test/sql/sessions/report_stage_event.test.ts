/** What IVS reports of a stage: the state that comes of it, and the events of the tenant. */
import { limits } from '../../../src/limits.ts';
import { SqlSession } from '../../support/sql.ts';

type Row = Record<string, unknown>;

const stageArn = 'arn:aws:ivs:us-east-1:111122223333:stage/of-the-test';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten' });
  await sql.insert('tenants', { id: 'ten_other' });
  await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', stage_arn: stageArn });
  await sql.insert('reservations', { tenant_id: 'ten', kind: 'stage', value: stageArn });
});
afterEach(() => sql.rollback());

/** A time of today that the events of a test have, `seconds` after its first one. */
const start = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);

interface Report {
  name?: string;
  session?: string;
  participant?: string;
  user?: string;
  at?: Date;
  stageArn?: string;
}

const report = (event: Report) =>
  sql.value<string>('report_stage_event', {
    stageArn,
    name: 'Participant Published',
    session: 'st-1',
    participant: 'p1',
    user: 'ann',
    at: at(0),
    olderThan: '30 days',
    limits,
    ...event,
  });
const published = (seconds: number, more: Report = {}) => report({ at: at(seconds), ...more });
const unpublished = (seconds: number, more: Report = {}) =>
  report({ name: 'Participant Unpublished', at: at(seconds), ...more });

/** The types of the events of the tenant, each with the participant or the session. */
async function told(): Promise<string[]> {
  const rows = await sql.query(
    `select type, coalesce(data ->> 'participantId', data ->> 'sessionId') as about from events order by written`,
  );
  return rows.map(({ type, about }) => `${String(type)} ${String(about)}`);
}

/** Participants, with their times as seconds of the test. */
async function participants(): Promise<Row[]> {
  return await sql.query(
    `select participant_id as id, user_id, extract(epoch from joined_at - $1)::int as joined,
       extract(epoch from left_at - $1)::int as left, publishing, has_published, stays, certainty
       from stage_participants order by participant_id`,
    [start],
  );
}

/** Notes a whole look at the stage, as the look does that found this session, without the participant. */
async function lookedAt(seconds: number, active: string | null): Promise<void> {
  await sql.query('update stage_looks set looked_at = $1, active_session = $2', [at(seconds), active]);
  await sql.query('update stage_sessions set listed_at = $1 where session_id = $2', [at(seconds), active]);
}

const allOrders = <T>(items: T[]): T[][] =>
  items.length < 2
    ? [items]
    : items.flatMap((item, n) => allOrders(items.toSpliced(n, 1)).map((rest) => [item, ...rest]));

describe('report_stage_event', () => {
  test('the first event of a participant starts the session, and lets them join and publish', async () => {
    expect(await published(3)).toBe('applied');
    expect(await told()).toEqual(['session.started st-1', 'participant.joined p1', 'participant.published p1']);
    const found = { id: 'p1', user_id: 'ann', joined: 3, left: null, publishing: true, has_published: true };
    expect(await participants()).toEqual([{ ...found, stays: 1, certainty: 'reported' }]);
  });

  test('a doubled event is known, and writes nothing', async () => {
    await published(3);
    expect(await published(3)).toBe('known');
    expect(await told()).toHaveLength(3);
  });

  test('in whatever order a life of publishing is reported, its end is the same', async () => {
    const life = [
      () => published(1),
      () => unpublished(5),
      () => published(9),
      () => unpublished(20),
      () => published(21, { participant: 'p2', user: 'bob' }),
    ];
    const ends = new Set<string>();
    const logs = new Set<string>();
    for (const order of allOrders([0, 1, 2, 3, 4])) {
      await sql.query('savepoint before');
      for (const n of order) await life[n]?.();
      ends.add(JSON.stringify(await participants()));
      const log = await told();
      const ofOne = log.filter((line) => line.endsWith(' p1'));
      // Whatever is merged, the events of one participant alternate, and none comes twice in a row.
      expect(ofOne[0]).toBe('participant.joined p1');
      ofOne.slice(1).forEach((line, n) => {
        expect(line).toBe(`participant.${n % 2 === 0 ? 'published' : 'unpublished'} p1`);
      });
      expect(ofOne.length % 2).toBe(1); // the last word is that they do not publish
      logs.add(ofOne.join());
      await sql.query('rollback to savepoint before');
    }
    expect(ends.size).toBe(1);
    expect(logs.size).toBeGreaterThan(1);
    expect(JSON.parse([...ends][0] ?? '')).toMatchObject([
      { id: 'p1', joined: 1, publishing: false, has_published: true },
      { id: 'p2', joined: 21, publishing: true },
    ]);
  });

  test('in the same second the stop counts, in both orders', async () => {
    await published(1, { participant: 'p1' });
    await unpublished(1, { participant: 'p1' });
    await unpublished(1, { participant: 'p2' });
    await published(1, { participant: 'p2' });
    expect((await participants()).map(({ publishing }) => publishing)).toEqual([false, false]);
  });

  test('an event that comes an hour late does not bring back who has left', async () => {
    await published(1);
    await sql.query('update stage_participants set left_at = $1', [at(30)]);
    await lookedAt(30, 'st-1');
    await unpublished(20);
    await published(15);
    await published(29, { participant: 'p2', user: 'bob' });
    // p2 was seen less than the margin before the look, so the next look decides
    expect(await participants()).toMatchObject([
      { id: 'p1', left: 30, publishing: false, stays: 1 },
      { id: 'p2', left: null },
    ]);
    await published(20, { participant: 'p3', user: 'cem' });
    expect((await participants())[2]).toMatchObject({ id: 'p3', joined: 20, left: 30, publishing: false });
    expect((await told()).slice(-2)).toEqual(['participant.joined p3', 'participant.left p3']);
  });

  test('who publishes after they were seen to be gone is there again', async () => {
    await published(1);
    await sql.query('update stage_participants set left_at = $1', [at(30)]);
    await unpublished(40); // IVS reports this of the leave, whose time its clock may see later
    expect(await participants()).toMatchObject([{ left: 30, stays: 1 }]);
    await published(45);
    expect(await participants()).toMatchObject([{ left: null, stays: 2, publishing: true }]);
    expect((await told()).slice(-2)).toEqual(['participant.joined p1', 'participant.published p1']);
  });

  test('an event of a session that a later look did not find tells of people who have left', async () => {
    await published(1, { session: 'st-2', participant: 'p9' });
    await lookedAt(60, 'st-2');
    await published(10, { session: 'st-1' });
    expect(await participants()).toMatchObject([
      { id: 'p1', left: 60 },
      { id: 'p9', left: null },
    ]);
    await sql.query(`update stage_sessions set ended_at = $1 where session_id = 'st-1'`, [at(50)]);
    await published(12, { session: 'st-1', participant: 'p3' });
    expect((await participants())[1]).toMatchObject({ id: 'p3', left: 50 });
  });

  test('the ledger names the user, the role and the grant', async () => {
    await sql.insert('grants', {
      tenant_id: 'ten',
      space_id: 'spc',
      id: 'grt_1',
      user_id: 'Ann',
      participant_id: 'p1',
    });
    await published(1, { user: 'another' });
    expect(await sql.query('select user_id, grant_id, role from stage_participants')).toEqual([
      { user_id: 'Ann', grant_id: 'grt_1', role: 'viewer' },
    ]);
    const [event] = await sql.query(`select space_id, user_id, data from events where type = 'participant.joined'`);
    expect(event).toMatchObject({ space_id: 'spc', user_id: 'Ann', data: { grantId: 'grt_1', sessionId: 'st-1' } });
  });

  test('a time in the future counts as now: the clock of IVS may be fast', async () => {
    await report({ at: new Date(Date.now() + 3_600_000) });
    expect(await sql.query('select seen_at <= clock_timestamp() as past from stage_participants')).toEqual([
      { past: true },
    ]);
  });

  test.each<[string, Report, string]>([
    ['an unknown stage', { stageArn: `${stageArn}x` }, 'unknown'],
    ['an unknown name', { name: 'Participant Publish Error' }, 'unknown'],
    ['no session', { session: '' }, 'unknown'],
    ['no participant', { participant: '' }, 'unknown'],
    ['a time before the retention', { at: new Date(Date.now() - 31 * 86_400_000) }, 'known'],
  ])('an event with %s says nothing', async (_, event, outcome) => {
    expect(await report(event)).toBe(outcome);
    expect(await told()).toEqual([]);
    expect(await participants()).toEqual([]);
  });

  test('the stage of a deleted space, and one that was given back, are unknown', async () => {
    await sql.query('update spaces set deleted_at = now()');
    expect(await published(1)).toBe('unknown');
    await sql.query('update spaces set deleted_at = null; update reservations set released_at = now()');
    expect(await published(1)).toBe('unknown');
  });

  test('every event of a known stage makes a look due, at once where none was made for a while', async () => {
    await report({ name: 'Participant Publish Error' });
    const due = () =>
      sql.query('select extract(epoch from next_at - clock_timestamp())::int as seconds from stage_looks');
    expect(await due()).toEqual([{ seconds: limits.newsLookSeconds }]);
    await sql.query(`update stage_looks set next_at = clock_timestamp() - interval '7 s'`);
    await published(1);
    expect(await due()).toEqual([{ seconds: -7 }]);
  });
});

describe('track_stage', () => {
  const expected = (until: Date) =>
    sql.valueOf('track_stage', `'ten', 'spc', $1::timestamptz, $2::jsonb`, [until, JSON.stringify(limits)]);

  test('keeps the latest time until which somebody may come', async () => {
    for (const seconds of [10, 30, 20]) await expected(at(seconds));
    expect(await sql.query('select expected_until from stage_looks')).toEqual([{ expected_until: at(30) }]);
  });

  test('lets a second transaction wait for the first', async () => {
    await expected(at(1));
    await sql.commit();
    const other = await sql.another();
    try {
      await sql.begin();
      await expected(at(2));
      await other.begin();
      const call = () => other.valueOf('track_stage', `'ten', 'spc', now(), $1::jsonb`, [JSON.stringify(limits)]);
      expect(await other.hasToWait(call)).toBe(true);
      await other.rollback();
      await sql.commit();
    } finally {
      await other.stop();
      await sql.begin();
      await sql.query('delete from stage_looks; delete from spaces; delete from reservations; delete from tenants');
      await sql.commit();
      await sql.begin();
    }
  });
});

describe('open_stage_session', () => {
  test('starts a session once, and keeps the earliest time', async () => {
    await sql.insert('stage_looks', { tenant_id: 'ten', space_id: 'spc' });
    for (const seconds of [5, 3, 9])
      await sql.call('open_stage_session', { tenant: 'ten', space: 'spc', session: 'st-1', at: at(seconds) });
    expect(await sql.query('select session_id, started_at from stage_sessions')).toEqual([
      { session_id: 'st-1', started_at: at(3) },
    ]);
    expect(await told()).toEqual(['session.started st-1']);
  });
});

describe('rows of sessions and participants', () => {
  beforeEach(async () => {
    const key = { tenant_id: 'ten', space_id: 'spc' };
    await sql.insert('stage_looks', key);
    await sql.insert('stage_sessions', { ...key, session_id: 'st-1', started_at: at(0) });
    const times = { joined_at: at(1), seen_at: at(5) };
    await sql.insert('stage_participants', { ...key, session_id: 'st-1', participant_id: 'p1', ...times });
  });

  const participant = `(select p from stage_participants as p where participant_id = 'p1')`;
  const session = `(select s from stage_sessions as s)`;
  const dataOf = async (type: string) =>
    (await sql.query<{ data: Row }>('select data from events where type = $1', [type])).map(({ data }) => data);

  describe('session_event', () => {
    test('tells of a session as it is', async () => {
      await sql.valueOf('session_event', `${session}, 'session.ended'`);
      expect(await dataOf('session.ended')).toEqual([
        { sessionId: 'st-1', startedAt: at(0).toISOString(), endedAt: null, participants: 0 },
      ]);
    });
  });

  describe('participant_event', () => {
    test('tells of a participant as they are, and of no user if none is known', async () => {
      await sql.valueOf('participant_event', `${participant}, 'participant.left'`);
      expect(await dataOf('participant.left')).toEqual([
        {
          sessionId: 'st-1',
          participantId: 'p1',
          role: null,
          grantId: null,
          joinedAt: at(1).toISOString(),
          leftAt: null,
          publishing: false,
          stays: 1,
          seenAt: at(5).toISOString(),
          certainty: 'confirmed',
        },
      ]);
      expect(await sql.query('select user_id from events')).toEqual([{ user_id: null }]);
    });
  });

  describe('note_participant', () => {
    const note = (fact: Row) =>
      sql.rowsOf('note_participant', `${session}, $1::jsonb`, [
        JSON.stringify({
          participantId: 'p1',
          userId: 'ann',
          from: at(1),
          at: at(10),
          certainty: 'confirmed',
          ...fact,
        }),
      ]);

    test('keeps the earliest and the latest time, and what the latest rests on', async () => {
      await note({ from: at(0), at: at(3), certainty: 'reported' });
      expect(await sql.query('select joined_at, seen_at, certainty, user_id from stage_participants')).toEqual([
        { joined_at: at(0), seen_at: at(5), certainty: 'confirmed', user_id: 'ann' },
      ]);
    });

    test('somebody who is listed again has come again; their time away is kept', async () => {
      await sql.query('update stage_participants set left_at = $1', [at(6)]);
      await note({ backFrom: at(6) });
      expect(await told()).toEqual([]);
      await note({ backFrom: at(10) });
      expect(await sql.query('select left_at, stays, away_ms::int from stage_participants')).toEqual([
        { left_at: null, stays: 2, away_ms: 4_000 },
      ]);
      expect(await told()).toEqual(['participant.joined p1']);
    });

    test('somebody who came and went is told of in this order', async () => {
      await note({ participantId: 'p2', published: true, goneAt: at(20) });
      expect(await told()).toEqual([
        'participant.joined p2',
        'participant.published p2',
        'participant.unpublished p2',
        'participant.left p2',
      ]);
      expect(await sql.query('select participants from stage_sessions')).toEqual([{ participants: 1 }]);
    });
  });

  describe('note_publishing', () => {
    const note = (publishes: boolean, seconds: number) =>
      sql.rowsOf('note_publishing', `${participant}, $1, $2`, [publishes, at(seconds)]);

    test('of somebody whose stop alone is known, both are told', async () => {
      await note(false, 4);
      await note(true, 2);
      expect(await told()).toEqual(['participant.published p1', 'participant.unpublished p1']);
    });

    test('of somebody who has left nothing is told', async () => {
      await sql.query('update stage_participants set left_at = $1', [at(6)]);
      await note(true, 4);
      await note(false, 5);
      expect(await told()).toEqual([]);
      expect((await participants())[0]).toMatchObject({ publishing: false, has_published: true });
    });
  });

  describe('leave_participant', () => {
    test('ends what they publish, and never before they came', async () => {
      await sql.query('update stage_participants set publishing = true');
      await sql.rowsOf('leave_participant', `${participant}, $1`, [at(0)]);
      expect((await participants())[0]).toMatchObject({ joined: 1, left: 1, publishing: false });
      expect(await told()).toEqual(['participant.unpublished p1', 'participant.left p1']);
    });
  });

  describe('gone_by', () => {
    const goneBy = (seconds: number) =>
      sql.valueOf<Date | null>('gone_by', `(select l from stage_looks as l), ${session}, $1`, [at(seconds)]);

    test.each<[string, string, number | null]>([
      ['nothing is known', 'select', null],
      ['the session has ended', `update stage_sessions set ended_at = $1`, 10],
      ['everybody in the session was listed later', `update stage_sessions set listed_at = $1`, 10],
      ['another session was found later', `update stage_looks set looked_at = $1, active_session = 'st-2'`, 10],
      ['no session was found later', `update stage_looks set looked_at = $1`, 10],
      [
        'the session was found, and is not listed yet',
        `update stage_looks set looked_at = $1, active_session = 'st-1'`,
        null,
      ],
    ])('%s', async (_, statement, gone) => {
      await sql.query(statement, statement.includes('$1') ? [at(10)] : []);
      expect(await goneBy(9)).toEqual(gone === null ? null : at(gone));
      expect(await goneBy(10)).toEqual(statement.includes('ended_at') ? at(10) : null);
    });
  });
});
