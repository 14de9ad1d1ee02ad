/** Looks at who is on a stage: which are due, what they note, and when the next one is. */
import { limits } from '../../../src/limits.ts';
import { expectDropped } from '../../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

type Row = Record<string, unknown>;

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const tenant_id of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant_id });
    for (const id of ['spc', 'spc_2', 'spc_3']) await sql.insert('spaces', { tenant_id, id, stage_arn: `stage:${id}` });
  }
});
afterEach(() => sql.rollback());

const start = new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000);
const at = (seconds: number) => new Date(start.getTime() + seconds * 1000);
const place = { tenant: 'ten', space: 'spc' };
const key = { tenant_id: 'ten', space_id: 'spc' };

async function told(): Promise<string[]> {
  const rows = await sql.query(
    `select type, coalesce(data ->> 'participantId', data ->> 'sessionId') as about from events order by written`,
  );
  return rows.map(({ type, about }) => `${String(type)} ${String(about)}`);
}

const due = () =>
  sql.query(
    `select space_id, extract(epoch from next_at - clock_timestamp())::int as seconds from stage_looks order by 1`,
  );

describe('expect_participants', () => {
  test('makes looks at the stages due, and keeps until when somebody may come', async () => {
    const until = [at(10), at(20)].map((time) => time.toISOString());
    await sql.call('expect_participants', { tenants: ['ten', 'ten'], spaces: ['spc_2', 'spc'], until, limits });
    expect(await due()).toEqual([
      { space_id: 'spc', seconds: limits.newsLookSeconds },
      { space_id: 'spc_2', seconds: limits.newsLookSeconds },
    ]);
    const rows = await sql.query('select expected_until from stage_looks order by space_id');
    expect(rows).toEqual([{ expected_until: at(20) }, { expected_until: at(10) }]);
  });
});

describe('stage_looks_in_turn', () => {
  test('counts the due looks of each tenant, the longest due first', async () => {
    for (const tenant_id of ['ten', 'ten_other'])
      for (const [n, space_id] of ['spc', 'spc_2', 'spc_3'].entries())
        await sql.insert('stage_looks', { tenant_id, space_id, next_at: inSeconds(n === 2 ? 60 : -10 - n) });
    await sql.query(`update stage_looks set leased_until = clock_timestamp() + interval '1 minute'
                      where tenant_id = 'ten_other' and space_id = 'spc_2'`);
    const rows = await sql.call<{ turn: string }>('stage_looks_in_turn');
    expect(rows.map((row) => ({ ...row, turn: Number(row.turn) }))).toEqual(
      expect.arrayContaining([
        { tenant_id: 'ten', space_id: 'spc_2', turn: 1 },
        { tenant_id: 'ten', space_id: 'spc', turn: 2 },
        { tenant_id: 'ten_other', space_id: 'spc', turn: 1 },
      ]),
    );
    expect(rows).toHaveLength(3);
  });
});

describe('lease_stage_looks', () => {
  const lease = (limit = 10) => sql.call('lease_stage_looks', { limit, lease: '20 seconds' });

  test('says what to look at, and leases it once', async () => {
    await sql.insert('stage_looks', {
      ...key,
      next_at: inSeconds(-1),
      active_session: 'st-1',
      looked_at: inSeconds(-5),
    });
    await sql.query(`update stage_looks set news_at = looked_at - interval '1 second'`);
    expect(await lease()).toMatchObject([
      {
        ...key,
        stage_arn: 'stage:spc',
        look: null,
        active_session: 'st-1',
        has_news: false,
        region: 'us-east-1',
        aws_role_arn: null,
      },
    ]);
    expect(await lease()).toEqual([]);
  });

  test.each<[string, Row, boolean]>([
    ['that was never looked at', {}, true],
    ['with news since', { looked_at: inSeconds(-5), news_at: inSeconds(-1) }, true],
    ['without news since', { looked_at: inSeconds(-5), news_at: inSeconds(-9) }, false],
  ])('a stage %s', async (_, row, news) => {
    await sql.insert('stage_looks', { ...key, next_at: inSeconds(-1), ...row });
    expect(await lease()).toMatchObject([{ has_news: news }]);
  });

  test('a deleted space has no stage any more', async () => {
    await sql.insert('stage_looks', { ...key, next_at: inSeconds(-1) });
    await sql.query('update spaces set deleted_at = now(), stage_arn = null');
    expect(await lease()).toMatchObject([{ stage_arn: null }]);
  });

  test('the tenants take turns', async () => {
    for (const [n, space_id] of ['spc', 'spc_2', 'spc_3'].entries())
      await sql.insert('stage_looks', { tenant_id: 'ten', space_id, next_at: inSeconds(-100 + n) });
    await sql.insert('stage_looks', { tenant_id: 'ten_other', space_id: 'spc', next_at: inSeconds(-1) });
    const taken = (await lease(2)).map(({ tenant_id, space_id }) => `${String(tenant_id)} ${String(space_id)}`);
    expect(taken).toEqual(['ten spc', 'ten_other spc']);
  });

  test('two replicas that look at once take different ones', async () => {
    await sql.insert('stage_looks', { ...key, next_at: inSeconds(-1) });
    await sql.commit();
    const other = await sql.another();
    try {
      await sql.begin();
      expect(await lease()).toHaveLength(1); // not committed yet
      await other.begin();
      expect(await other.call('lease_stage_looks', { limit: 10, lease: '20 seconds' })).toEqual([]);
      await other.commit();
      await sql.commit();
    } finally {
      await other.stop();
      await sql.begin();
      await sql.query('delete from stage_looks; delete from spaces; delete from tenants');
      await sql.commit();
      await sql.begin();
    }
  });
});

describe('begin_stage_look', () => {
  const begin = (active: string | null, listed: Row[] = []) =>
    sql.value('begin_stage_look', { ...place, active, listed: JSON.stringify(listed) });

  test('finds sessions that nobody has noted, but none from before the stage was tracked', async () => {
    await sql.insert('stage_looks', { ...key, created_at: at(100) });
    const listed = [
      { sessionId: 'st-now', startedAt: at(300) },
      { sessionId: 'st-2', startedAt: at(210), endedAt: at(220) },
      { sessionId: 'st-1', startedAt: at(90), endedAt: at(110) },
      { sessionId: 'st-0', startedAt: at(80), endedAt: at(90) },
    ];
    expect(await begin('st-now', listed)).toEqual(['st-1', 'st-2']);
    expect(await told()).toEqual(['session.started st-1', 'session.started st-2']);
    expect(await begin('st-now', listed)).toEqual(['st-1', 'st-2']);
    expect(await told()).toHaveLength(2);
  });

  test('a known session that does not go on any more has ended', async () => {
    await sql.insert('stage_looks', key);
    await sql.insert('stage_sessions', { ...key, session_id: 'st-1' });
    await sql.insert('stage_sessions', { ...key, session_id: 'st-0', ended_at: inSeconds(-5) });
    expect(await begin('st-1')).toEqual([]);
    expect(await begin(null)).toEqual(['st-1']);
  });
});

describe('with a session', () => {
  beforeEach(async () => {
    await sql.insert('stage_looks', { ...key, next_at: inSeconds(-1) });
  });

  const page = (found: Row[], more: Row = {}) =>
    sql.call('note_look_page', {
      ...place,
      session: 'st-1',
      startedAt: at(0),
      found: JSON.stringify(
        found.map((one) => ({ userId: 'ann', certainty: 'confirmed', published: false, from: at(1), ...one })),
      ),
      look: { since: at(10) },
      ...more,
    });
  const seen = (participantId: string, seconds: number) => ({
    participantId,
    at: at(seconds),
    backFrom: at(seconds),
  });

  describe('note_look_page', () => {
    test('notes who was listed and where the look goes on; the same page again changes nothing', async () => {
      for (let n = 0; n < 2; n++) await page([seen('p1', 10), seen('p2', 10)]);
      expect(await told()).toEqual(['session.started st-1', 'participant.joined p1', 'participant.joined p2']);
      expect(await sql.query('select look, participants from stage_looks, stage_sessions')).toEqual([
        { look: { since: at(10).toISOString() }, participants: 2 },
      ]);
    });
  });

  describe('leave_participants', () => {
    const leave = (notSince: number, most = 10) =>
      sql.value<string>('leave_participants', {
        ...place,
        session: 'st-1',
        notSince: at(notSince),
        leftAt: at(notSince + 1),
        listedAt: at(notSince + 1),
        most,
      });

    test('notes who was not listed, in steps, and that the list is whole after the last one', async () => {
      await page([seen('p1', 10), seen('p2', 10), seen('p3', 20)]);
      const listed = () => sql.query('select listed_at from stage_sessions');
      expect([await leave(19, 1), await listed()]).toEqual(['1', [{ listed_at: null }]]);
      expect([await leave(19, 2), await listed()]).toEqual(['1', [{ listed_at: at(20) }]]);
      expect((await told()).slice(-2)).toEqual(['participant.left p1', 'participant.left p2']);
      const rows = await sql.query('select participant_id, left_at from stage_participants order by 1');
      expect(rows).toEqual([
        { participant_id: 'p1', left_at: at(20) },
        { participant_id: 'p2', left_at: at(20) },
        { participant_id: 'p3', left_at: null },
      ]);
    });
  });

  describe('end_stage_session', () => {
    const end = (most: number) =>
      sql.value('end_stage_session', { ...place, session: 'st-1', startedAt: at(-5), endedAt: at(30), most });

    test('lets everybody leave, in steps, and ends the session once', async () => {
      await page([seen('p1', 10), seen('p2', 10)]);
      expect([await end(1), await end(1), await end(1), await end(1)]).toEqual([false, false, true, true]);
      expect((await told()).slice(-3)).toEqual(['participant.left p1', 'participant.left p2', 'session.ended st-1']);
      expect(await sql.query('select started_at, ended_at from stage_sessions')).toEqual([
        { started_at: at(-5), ended_at: at(30) },
      ]);
    });
  });

  describe('finish_stage_look', () => {
    const finish = (changed: Row = {}) =>
      sql.call('finish_stage_look', {
        ...place,
        since: new Date(),
        active: null,
        isWhole: true,
        look: null,
        error: null,
        nextIn: '3 seconds',
        every: '30 seconds',
        rarely: '60 seconds',
        limits,
        ...changed,
      });
    const next = async () => (await due())[0]?.['seconds'];

    test.each<[string, string, Row, number | null]>([
      ['nobody is there and nobody can come', 'select', {}, null],
      ['a session goes on', 'select', { active: 'st-1' }, 30],
      [
        'the end of a session is not known yet',
        `insert into stage_sessions values ('ten', 'spc', 'st-1', default, now())`,
        {},
        30,
      ],
      [
        'somebody may come, and it is long ago',
        `update stage_looks set expected_until = 'infinity', news_at = now() - interval '1 h'`,
        {},
        60,
      ],
      [
        'somebody may come, since a while',
        `update stage_looks set expected_until = 'infinity', news_at = now() - interval '80 s'`,
        {},
        40,
      ],
      [
        'there was news since',
        `update stage_looks set news_at = clock_timestamp() + interval '1 s'`,
        {},
        limits.newsLookSeconds,
      ],
      ['the look goes on', 'select', { isWhole: false, look: { since: 'x' } }, 3],
      ['the look failed', 'select', { isWhole: false, error: 'x' }, 3],
    ])('when %s', async (_, statement, changed, seconds) => {
      await sql.query(`update stage_looks set news_at = now() - interval '1 day'`);
      await sql.query(statement);
      await finish(changed);
      expect(await next()).toBe(seconds);
      const rows = await sql.query(
        'select look, last_error, looked_at is not null as looked, active_session, leased_until::text from stage_looks',
      );
      const whole = changed['isWhole'] !== false;
      expect(rows).toMatchObject([
        {
          look: changed['look'] ?? null,
          last_error: changed['error'] ?? null,
          looked: whole,
          active_session: changed['active'] ?? null,
        },
      ]);
    });
  });

  describe('drop_old_sessions', () => {
    const drop = (olderThan: string, most: number) => sql.value('drop_old_sessions', { olderThan, most });

    test('drops a session that ended long ago, its participants first, in steps', async () => {
      await page([seen('p1', 10), seen('p2', 10), seen('p3', 10)]);
      expect(await drop('1 minute', 2)).toBe('0'); // it goes on
      await sql.call('end_stage_session', { ...place, session: 'st-1', startedAt: at(0), endedAt: at(30), most: 10 });
      expect(await drop('2 hours', 2)).toBe('0');
      expect([await drop('1 minute', 2), await drop('1 minute', 2), await drop('1 minute', 2)]).toEqual([
        '2',
        '2',
        '0',
      ]);
      expect(await sql.query('select from stage_participants union all select from stage_sessions')).toEqual([]);
    });

    test('drops earlier what is of a tenant that keeps its events for a shorter time', async () => {
      await page([seen('p1', 10)]);
      await sql.call('end_stage_session', { ...place, session: 'st-1', startedAt: at(0), endedAt: at(30), most: 10 });
      await sql.query(`update stage_sessions set ended_at = ended_at - interval '2 days'`);
      expect(await drop('3 days', 2)).toBe('0');
      await sql.insert('tenant_settings', { tenant_id: place.tenant, event_days: 1 });
      expect([await drop('3 days', 2), await drop('3 days', 2)]).toEqual(['2', '0']);
    });
  });
});

describe('drop_sessions_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['spaces', { id: 'spc' }],
      ['stage_looks', { space_id: 'spc' }],
      ['stage_sessions', { space_id: 'spc', session_id: 'st' }],
      ['stage_participants', { space_id: 'spc', session_id: 'st' }],
      ['stage_participants', { space_id: 'spc', session_id: 'st' }],
    ];
    await expectDropped(sql, ['stage_participants', 'stage_sessions', 'stage_looks'], rows, (args) =>
      sql.value('drop_sessions_of_tenant', args),
    );
  });
});

describe('erase_participants', () => {
  const erase = (after: string | null = null, most = 100) =>
    sql.call('erase_participants', { tenant: 'ten_e', user: 'ann', name: 'erased:x', after, most });

  test('puts the name into participants who have left, and waits for the others and for looks', async () => {
    await sql.insert('tenants', { id: 'ten_e' });
    for (const id of ['spc_e', 'spc_f']) await sql.insert('spaces', { tenant_id: 'ten_e', id });
    await sql.insert('stage_looks', { tenant_id: 'ten_e', space_id: 'spc_e', look: { seen: { p: 'ann' } } });
    await sql.insert('stage_looks', { tenant_id: 'ten_e', space_id: 'spc_f', look: { seen: { p: 'ben' } } });
    const session = { tenant_id: 'ten_e', space_id: 'spc_e', session_id: 'st' };
    await sql.insert('stage_sessions', session);
    const put = (participant_id: string, row: object) =>
      sql.insert('stage_participants', { ...session, participant_id, user_id: 'ann', left_at: new Date(), ...row });
    await put('a_left', {});
    await put('b_there', { left_at: null });
    await put('c_lost', { left_at: null, seen_at: inSeconds(-7200) });
    await put('d_of_another', { user_id: 'ben' });
    expect(await erase()).toEqual([{ changed: '2', waiting: '2', reached: null }]);
    const rows = await sql.query(
      `select user_id from stage_participants where tenant_id = 'ten_e' order by participant_id`,
    );
    expect(rows.map((row) => row['user_id'])).toEqual(['erased:x', 'ann', 'erased:x', 'ben']);
    const [step] = await erase(null, 3);
    expect(step).toEqual({ changed: '0', waiting: '2', reached: '["spc_e", "st", "c_lost"]' });
    expect(await erase(step?.['reached'] as string, 3)).toEqual([{ changed: '0', waiting: '1', reached: null }]);
  });
});

describe('forget_stage', () => {
  test('deletes what is known of looks, unless a session is on record', async () => {
    for (const space_id of ['spc', 'spc_2']) await sql.insert('stage_looks', { tenant_id: 'ten', space_id });
    await sql.insert('stage_sessions', { tenant_id: 'ten', space_id: 'spc' });
    const forget = (space: string) => sql.value('forget_stage', { tenant: 'ten', space });
    expect([await forget('spc'), await forget('spc_2'), await forget('spc_3')]).toEqual([false, true, true]);
    expect(await sql.query('select space_id from stage_looks')).toEqual([{ space_id: 'spc' }]);
  });
});

describe('participant_is_there', () => {
  test('knows who has not left, in this space and tenant', async () => {
    for (const tenant_id of ['ten', 'ten_other']) {
      await sql.insert('stage_looks', { tenant_id, space_id: 'spc' });
      await sql.insert('stage_sessions', { tenant_id, space_id: 'spc', session_id: 'st' });
    }
    const here = { ...key, session_id: 'st' };
    await sql.insert('stage_participants', { ...here, participant_id: 'there' });
    await sql.insert('stage_participants', { ...here, participant_id: 'gone', left_at: at(0) });
    await sql.insert('stage_participants', { ...here, tenant_id: 'ten_other', participant_id: 'elsewhere' });
    const isThere = async (participant: string, space = 'spc') =>
      await sql.value('participant_is_there', { tenant: 'ten', space, participant });
    expect([await isThere('there'), await isThere('gone'), await isThere('elsewhere')]).toEqual([true, false, false]);
    expect(await isThere('there', 'spc_2')).toBe(false);
  });
});
