/** `ban_user`, as a table: state and request, what it answers, and what it leaves in the tables. */
import { limits } from '../../../src/limits.ts';
import { inSeconds, limitsWith, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;
let other: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  other = await sql.another();
});
afterAll(async () => {
  await other.stop();
  await sql.stop();
});
beforeEach(async () => {
  await sql.begin();
  await other.begin();
  for (const tenant_id of ['ten', 'ten_other']) {
    await sql.insert('tenants', { id: tenant_id });
    await sql.insert('spaces', { tenant_id, id: 'spc', stage_arn: 'stage', room_arn: 'room' });
    await sql.insert('spaces', { tenant_id, id: 'spc_beside', stage_arn: 'stage-beside', room_arn: 'room-beside' });
    await sql.insert('spaces', { tenant_id, id: 'spc_unready', ready_at: null });
    await sql.insert('spaces', { tenant_id, id: 'spc_deleted', deleted_at: inSeconds(-1) });
  }
});
afterEach(async () => {
  await other.rollback();
  await sql.rollback();
});

type Row = Record<string, unknown>;

const hour = 3_600_000;

const request = {
  tenant: 'ten',
  ban: 'ban',
  action: 'act',
  space: null as string | null,
  user: 'ann',
  reason: 'spam' as string | null,
  expires: null as Date | null,
  caller: { kind: 'apiKey', id: 'key' },
  byRank: null as number | null,
  elapsed: 0,
  limits: limits as Record<string, number>,
};

async function ban(changed: Partial<typeof request> = {}): Promise<Row> {
  return await sql.value('ban_user', { ...request, ...changed });
}

async function putGrants(grants: Row[]): Promise<void> {
  for (const grant of grants) await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...grant });
}

/** What stands in a table, one row a line. */
async function lines(columns: string, table: string): Promise<unknown[]> {
  const rows = await sql.query(`select concat_ws(' ', ${columns}) as line from ${table} order by 1`);
  return rows.map(({ line }) => line);
}

const deliveries = (): Promise<unknown[]> =>
  lines(`operation, arn, target, grant_id, case when follow_up then 'later' end`, 'deliveries');
const holds = (): Promise<unknown[]> => lines('grant_id, action_id, watch_for', 'holds');
const grants = (): Promise<unknown[]> => lines('id, state', 'grants');

/** Every row that an act writes. */
async function written(): Promise<unknown[]> {
  const tables = ['bans', 'actions', 'deliveries', 'holds', 'unfinished_actions', 'watches'];
  return await sql.query(tables.map((table) => `select '${table}' as "table" from ${table}`).join(' union all '));
}

describe('ban_user', () => {
  test.each<[string, Partial<typeof request>, string]>([
    ['a space that is not there', { space: 'spc_gone' }, 'space_unknown'],
    ['a space that is not ready', { space: 'spc_unready' }, 'space_unknown'],
    ['a space that was deleted', { space: 'spc_deleted' }, 'space_unknown'],
    [
      'a space that was deleted, before it looks at the end',
      { space: 'spc_deleted', expires: new Date(0) },
      'space_unknown',
    ],
    ['an end that has passed', { expires: new Date(0) }, 'over_already'],
    ['an end that has passed, in a space', { space: 'spc', expires: new Date(0) }, 'over_already'],
  ])('refuses %s, and writes nothing', async (_, changed, refused) => {
    await putGrants([{ id: 'a' }]);
    expect(await ban(changed)).toEqual({ refused });
    expect(await written()).toEqual([]);
    expect(await grants()).toEqual(['a released']);
  });

  test.each<[string, Partial<typeof request>]>([
    ['from everywhere, for ever', {}],
    ['from a space', { space: 'spc' }],
    ['without a reason', { reason: null }],
    ['by a person', { byRank: 20, caller: { kind: 'user', id: 'mod' } }],
    ['until later', { expires: new Date('2999-01-01T00:00:00.123Z') }],
  ])('bans somebody who was never seen before: %s', async (_, changed) => {
    const given = { ...request, ...changed };
    const answer = await ban(changed);
    expect(answer).toEqual({ createdAt: expect.any(String), waitSeconds: 0 });
    const createdAt = new Date(String(answer['createdAt']));
    expect(await sql.query('select * from bans')).toEqual([
      {
        tenant_id: 'ten',
        id: 'ban',
        user_id: 'ann',
        space_id: given.space,
        reason: given.reason,
        created_by: given.caller,
        created_at: createdAt,
        expires_at: given.expires,
        lifted_at: null,
        lifted_by: null,
        by_rank: given.byRank,
        outranked: false,
        expiry_told: false,
      },
    ]);
    expect(await sql.query('select * from actions')).toEqual([
      {
        tenant_id: 'ten',
        id: 'act',
        kind: 'ban',
        space_id: given.space,
        user_id: 'ann',
        ban_id: 'ban',
        reason: given.reason,
        requested_by: given.caller,
        created_at: expect.any(Date),
        requested_at: expect.any(Date),
        delivery_told: false,
        look_again_at: expect.any(Date),
        stuck_at: null,
        silenced_at: null,
        held_until: null,
        turn: expect.any(String),
      },
    ]);
    expect(await written()).toHaveLength(2);
    const asked = { tenant: 'ten', user: 'ann', space: 'spc', rank: null, pseudonym: 'p-ann' };
    expect(await sql.value('ban_refusal', asked)).toMatchObject({ refused: 'banned' });
  });

  test('counts the time of the request from when it came in', async () => {
    await ban({ elapsed: 3600 });
    const [row] = await sql.query<{ early: boolean; late: boolean }>(
      `select requested_at > now() - interval '3601 seconds' as late, requested_at < created_at - interval '1 minute' as early
         from actions`,
    );
    expect(row).toEqual({ early: true, late: true });
  });

  const stage = { id: 'stage', participant_id: 'p' };
  const chat = { id: 'chat', kind: 'chat', participant_id: null };
  const later = { space_id: 'spc_beside' };
  const outOfStage = 'DisconnectParticipant stage p stage';
  const outOfRoom = ['DisconnectUser room ann chat', 'DisconnectUser room ann chat later'];

  /** Grants, the space of the ban, the deliveries, the holds and the grants after it. */
  test.each<[string, Row[], string | null, unknown[], unknown[], unknown[]]>([
    ['a stage grant', [stage], null, [outOfStage], ['stage act banned'], ['stage watched']],
    ['a chat grant', [chat], null, outOfRoom, ['chat act banned'], ['chat watched']],
    [
      'both, in the space of the ban',
      [stage, chat],
      'spc',
      [outOfStage, ...outOfRoom],
      ['chat act banned', 'stage act banned'],
      ['chat watched', 'stage watched'],
    ],
    ['a grant for another space than that of the ban', [{ ...stage, ...later }], 'spc', [], [], ['stage released']],
    [
      'a grant for another space, of a ban from everywhere',
      [{ ...stage, ...later }],
      null,
      ['DisconnectParticipant stage-beside p stage'],
      ['stage act banned'],
      ['stage watched'],
    ],
    ['a grant of somebody else', [{ ...stage, user_id: 'ben' }], null, [], [], ['stage released']],
    ['a grant at another tenant', [{ ...stage, tenant_id: 'ten_other' }], null, [], [], ['stage released']],
    ['a pending grant: settle will refuse it', [{ ...stage, state: 'pending' }], null, [], [], ['stage pending']],
    ['a refused grant', [{ ...stage, state: 'refused' }], null, [], [], ['stage refused']],
    [
      'a grant that was revoked, because IVS may let its participant in all the same',
      [{ ...stage, state: 'revoked' }],
      null,
      [outOfStage],
      ['stage act banned'],
      ['stage revoked'],
    ],
    [
      'a grant that an earlier act watches',
      [{ ...stage, state: 'watched' }],
      null,
      [outOfStage],
      ['stage act banned'],
      ['stage watched'],
    ],
    [
      'an expired stage grant that somebody may have stayed with',
      [{ ...stage, expires_at: inSeconds(-60), session_expires_at: inSeconds(-60) }],
      null,
      [outOfStage],
      ['stage act banned'],
      ['stage watched'],
    ],
    [
      'a chat grant whose session is over',
      [{ ...chat, expires_at: inSeconds(-60), session_expires_at: inSeconds(-60) }],
      null,
      [],
      [],
      ['chat released'],
    ],
    [
      'a chat grant whose token is over and whose session lasts',
      [{ ...chat, expires_at: inSeconds(-60) }],
      null,
      ['DisconnectUser room ann chat'],
      ['chat act banned'],
      ['chat watched'],
    ],
  ])('acts on %s', async (_, given, space, calls, held, after) => {
    await putGrants(given);
    await ban({ space });
    expect(await deliveries()).toEqual(calls);
    expect(await holds()).toEqual(held);
    expect(await grants()).toEqual(after);
    // The stages are looked at from now on, those of the held grants and no others.
    const watched = 'select distinct space_id from holds where kind = $1 order by 1';
    expect(await sql.query('select space_id from watches')).toEqual(await sql.query(watched, ['stage']));
  });

  test.each<[string, Date | null, Date]>([
    [
      'twelve seconds before the end of the ban, if that comes first: a call takes as long',
      new Date('2999-01-01T00:00:00Z'),
      new Date('2998-12-31T23:59:48Z'),
    ],
    [
      'a stay after the end of the token, if the ban lasts longer',
      new Date('2999-06-01T00:00:00Z'),
      new Date('2999-03-02T00:00:00Z'),
    ],
    ['a stay after the end of the token, if the ban does not end', null, new Date('2999-03-02T00:00:00Z')],
  ])('needs its deliveries until %s', async (_, expires, neededUntil) => {
    const end = new Date('2999-03-01T00:00:00Z');
    await putGrants([{ ...stage, expires_at: end, session_expires_at: end }]);
    await ban({ expires });
    expect(await sql.query('select needed_until, parameters from deliveries')).toEqual([
      { needed_until: neededUntil, parameters: { reason: 'spam' } },
    ]);
    expect(await sql.query('select until from holds')).toEqual([{ until: expires }]);
  });

  test('acts on the newest grants first, and leaves the rest of very many to be acted on in steps', async () => {
    await putGrants([
      { id: 'old', issued_at: inSeconds(-90) },
      { id: 'new', issued_at: inSeconds(-30) },
      { id: 'middle', issued_at: inSeconds(-60) },
    ]);
    await ban({ limits: limitsWith({ grantsAtOnce: 1 }) });
    expect(await holds()).toEqual(['new act banned']);
    expect(await grants()).toEqual(['middle released', 'new watched', 'old released']);
    expect(await sql.query('select action_id, grants, keep_out, watch_for from unfinished_actions')).toEqual([
      { action_id: 'act', grants: ['middle', 'old'], keep_out: true, watch_for: 'banned' },
    ]);
  });

  test('tells how long a token may still be on its way out that was decided on before', async () => {
    await putGrants([{ ...stage, issued_at: inSeconds(0), checked_at: inSeconds(0) }]);
    const answer = await ban({ limits: limitsWith({ releaseWindowSeconds: 1000 }) });
    expect(answer['waitSeconds']).toBeGreaterThan(0);
    expect(answer['waitSeconds']).toBeLessThanOrEqual(1000);
  });

  test('does not wait for a token that was decided on elsewhere, in a ban from a space', async () => {
    await putGrants([{ ...stage, ...later, issued_at: inSeconds(0), checked_at: inSeconds(0) }]);
    const answer = await ban({ space: 'spc', limits: limitsWith({ releaseWindowSeconds: 1000 }) });
    expect(answer['waitSeconds']).toBe(0);
  });

  test('bans somebody a second time beside the first ban', async () => {
    await putGrants([stage]);
    await ban({ expires: new Date(Date.now() + hour) });
    await ban({ ban: 'ban_2', action: 'act_2' });
    expect(await lines('id, ban_id', 'actions')).toEqual(['act ban', 'act_2 ban_2']);
    expect(await holds()).toEqual(['stage act banned', 'stage act_2 banned']);
  });

  test('raises an error if a limit is missing, even if there is nothing to act on', async () => {
    await expect(ban({ limits: {} })).rejects.toThrow('was not passed');
  });

  describe('and vends that are under way', () => {
    const vend = { tenant: 'ten', user: 'ann', exclusive: false };

    test.each<[string, object, boolean]>([
      ['waits for a vend to the user', vend, true],
      ['does not wait for a vend to somebody else', { ...vend, user: 'ben' }, false],
      ['does not wait for a vend at another tenant', { ...vend, tenant: 'ten_other' }, false],
    ])('%s', async (_, lock, waits) => {
      await other.call('lock_user', lock as typeof vend);
      expect(await sql.hasToWait(() => ban())).toBe(waits);
    });

    test.each<[string, object, boolean]>([
      ['a later vend to the user waits', vend, true],
      ['a later vend to somebody else does not wait', { ...vend, user: 'ben' }, false],
    ])('%s', async (_, lock, waits) => {
      await ban();
      expect(await other.hasToWait(() => other.call('lock_user', lock as typeof vend))).toBe(waits);
    });
  });

  test('serves the service inside the tenant', async () => {
    await putGrants([stage]);
    await sql.becomeService('ten');
    expect(await ban()).toEqual({ createdAt: expect.any(String), waitSeconds: expect.any(Number) });
    expect(await deliveries()).toEqual([outOfStage]);
  });
});
