/** The small functions about watches and holds. Those that lease, take in and lock looks have files of their own. */
import { limits } from '../../src/limits.ts';
import {
  expectRefusedToService,
  grantStates,
  holds,
  hours,
  inHours,
  insertDelivery,
  insertGrant,
  insertHold,
  insertTwoTenants,
  insertWatch,
  list,
} from '../support/moderation-rows.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, limitsWith, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const others = { tenant_id: 'ten_other' };
/** An array of all grants of `ten`, in the order of their ids. */
const allGrants = `array(select g from public.grants g where tenant_id = 'ten' order by id)`;

describe('spaces_to_watch', () => {
  const spaces = (keepOut: boolean, grants = allGrants) =>
    sql.valueOf<string[]>('spaces_to_watch', `${grants}, $1`, [keepOut]);
  const past = { expires_at: inHours(-1) };

  test.each<[string, Row[], string[], string[]]>([
    ['no grant', [], [], []],
    ['an unexpired stage grant', [{}], ['spc'], []],
    ['an expired stage grant', [past], ['spc'], ['spc']],
    ['a chat grant', [{ kind: 'chat' }, { kind: 'chat', ...past }], [], []],
    ['several grants for one space', [{}, past, past], ['spc'], ['spc']],
    ['grants for two spaces', [{}, { space_id: 'spc_beside', ...past }], ['spc', 'spc_beside'], ['spc_beside']],
  ])('of %s: to keep out, and to disconnect once', async (_, grants, toKeepOut, toDisconnect) => {
    for (const grant of grants) await insertGrant(sql, grant);
    expect((await spaces(true)).sort()).toEqual(toKeepOut);
    expect((await spaces(false)).sort()).toEqual(toDisconnect);
  });

  test('a token that expires now has expired', async () => {
    await insertGrant(sql, {});
    await sql.query(`update grants set expires_at = date_trunc('milliseconds', now())`);
    expect(await spaces(false)).toEqual(['spc']);
    await sql.query(`update grants set expires_at = expires_at + interval '1 millisecond'`);
    expect(await spaces(false)).toEqual([]);
  });

  test('gives no space without a list', async () => {
    expect(await spaces(true, 'null')).toEqual([]);
  });
});

describe('hold_grants', () => {
  const hold = (grants = allGrants) =>
    sql.valueOf('hold_grants', `'ten', 'act', ${grants}, 'banned', $1, $2`, [
      new Date('2030-01-01T00:00:00Z'),
      new Date('2031-01-01T00:00:00Z'),
    ]);
  const future = { session_expires_at: inHours(1) };
  const past = { expires_at: inHours(-2), session_expires_at: inHours(-1) };

  test.each<[string, Row, boolean]>([
    ['a stage grant', { kind: 'stage', ...future }, true],
    ['a stage grant that has expired', { kind: 'stage', ...past }, true],
    ['a chat grant', { kind: 'chat', ...future }, true],
    ['a chat grant that was used', { kind: 'chat', ...past, ...future }, true],
    ['a chat grant whose session is over', { kind: 'chat', ...past }, false],
  ])('says whether it holds %s', async (_, grant, isHeld) => {
    await insertGrant(sql, { id: 'grt', ...grant });
    await hold();
    expect(await holds(sql)).toEqual(isHeld ? ['grt act banned'] : []);
  });

  test('repeats in a hold what a look needs of the grant', async () => {
    await insertGrant(sql, { id: 'grt', ivs_user_id: 'p-ann', participant_id: 'part', expires_at: inHours(2) });
    await hold();
    const columns = 'tenant_id, space_id, kind, ivs_user_id, participant_id, watch_from, until';
    expect(await sql.query(`select ${columns}, ${hours('expires_at')} as expires from holds`)).toEqual([
      {
        tenant_id: 'ten',
        space_id: 'spc',
        kind: 'stage',
        ivs_user_id: 'p-ann',
        participant_id: 'part',
        watch_from: new Date('2030-01-01T00:00:00Z'),
        until: new Date('2031-01-01T00:00:00Z'),
        expires: 2,
      },
    ]);
  });

  test('refuses to hold a grant twice for one action', async () => {
    await insertGrant(sql, { id: 'grt' });
    await hold();
    await expect(hold()).rejects.toMatchObject({ code: '23505' });
  });

  test.each([
    ['an empty list', `'{}'`],
    ['no list', 'null'],
  ])('holds nothing for %s', async (_, grants) => {
    await hold(grants);
    expect(await holds(sql)).toEqual([]);
  });
});

describe('hold_older_participants', () => {
  const hold = (given: Row = limits) =>
    sql.valueOf('hold_older_participants', `'ten', 'act', ${allGrants}, $1, $2`, [
      new Date('2031-01-01T00:00:00Z'),
      JSON.stringify(given),
    ]);
  const past = { expires_at: inHours(-1), session_expires_at: inHours(-1) };

  test.each<[string, Row, boolean]>([
    ['an older grant that has expired', past, true],
    ['an older grant that has not expired', {}, false],
    ['an older grant without a participant', { ...past, participant_id: null }, false],
    ['an older grant for chat', { ...past, kind: 'chat' }, false],
    ['a grant that is newer than the other', { ...past, issued_at: inHours(0) }, false],
    ['a grant of another user', { ...past, user_id: 'ben' }, false],
    ['a grant for another space', { ...past, space_id: 'spc_beside' }, false],
  ])('says whether it holds %s', async (_, grant, isHeld) => {
    await insertGrant(sql, { id: 'grt_newest', issued_at: inHours(-2) });
    await insertGrant(sql, { id: 'grt', issued_at: inHours(-3), ...grant });
    await hold();
    expect(await holds(sql)).toEqual(isHeld ? ['grt act gone'] : []);
  });

  test('holds from now until the end of the ban, however many older grants there are', async () => {
    for (const nth of [1, 2, 3, 4]) await insertGrant(sql, { issued_at: inHours(-1 - nth), ...past });
    await hold(limitsWith({ disconnectsPerUser: 2 }));
    const held = await sql.query(`select ${hours('watch_from')} as from, until from holds`);
    expect(held).toEqual(Array.from({ length: 3 }, () => ({ from: 0, until: new Date('2031-01-01T00:00:00Z') })));
  });

  test('raises an error if the limit is missing', async () => {
    await expect(hold({})).rejects.toThrow('the limit disconnectsPerUser was not passed');
  });
});

/** Holds of two actions and two tenants. */
async function insertHolds(): Promise<void> {
  await insertHold(sql, { grant_id: 'grt_1' });
  await insertHold(sql, { grant_id: 'grt_2' });
  await insertHold(sql, { grant_id: 'grt_2', action_id: 'act_beside' });
  await insertHold(sql, { ...others, grant_id: 'grt_3' });
}

describe('holds_of_action', () => {
  test.each([
    ['act', ['grt_1', 'grt_2']],
    ['act_beside', ['grt_2']],
    ['act_gone', []],
  ])('lists the grants that the action holds: %s', async (action, grants) => {
    await insertHolds();
    const rows = await sql.call('holds_of_action', { tenant: 'ten', action });
    expect(rows.map((row) => String(row['grant_id'])).sort()).toEqual(grants);
  });
});

describe('holds_of_grant', () => {
  const actionsOf = async (grant: string | null) =>
    (await sql.call('holds_of_grant', { tenant: 'ten', grant })).map((row) => String(row['action_id'])).sort();

  test.each([
    ['grt_1', ['act']],
    ['grt_2', ['act', 'act_beside']],
    ['grt_3', []],
    [null, []],
  ])('lists the actions that hold the grant: %s', async (grant, actions) => {
    await insertHolds();
    expect(await actionsOf(grant)).toEqual(actions);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, () => actionsOf('grt'));
  });
});

describe('release_unheld', () => {
  const release = (grants: string[] | null) => sql.call('release_unheld', { tenant: 'ten', grants });

  test.each<[string, string, string]>([
    ['that is watched', 'watched', 'released'],
    ['that was revoked', 'revoked', 'revoked'],
    ['that was refused', 'refused', 'refused'],
    ['that is pending', 'pending', 'pending'],
    ['that was released', 'released', 'released'],
  ])('of a grant %s', async (_, before, after) => {
    await insertGrant(sql, { id: 'grt', state: before });
    await release(['grt']);
    expect(await grantStates(sql)).toEqual({ grt: after });
  });

  test('leaves a grant that an action still holds, and grants that are not in the list', async () => {
    await insertHold(sql, { grant_id: 'grt_held' });
    await insertGrant(sql, { id: 'grt_free', state: 'watched' });
    await insertGrant(sql, { id: 'grt_beside', state: 'watched' });
    await insertHold(sql, { ...others, grant_id: 'grt_free' });
    await release(['grt_held', 'grt_free', 'grt_gone']);
    expect(await grantStates(sql)).toEqual({ grt_held: 'watched', grt_free: 'released', grt_beside: 'watched' });
    expect(await grantStates(sql, 'ten_other')).toEqual({ grt_free: 'watched' });
  });

  test.each([
    ['an empty list', []],
    ['no list', null],
  ])('releases nothing for %s', async (_, grants) => {
    await insertGrant(sql, { id: 'grt', state: 'watched' });
    await release(grants);
    expect(await grantStates(sql)).toEqual({ grt: 'watched' });
  });
});

describe('end_holds_of_action', () => {
  const end = (limit: number) => sql.value<number>('end_holds_of_action', { tenant: 'ten', action: 'act', limit });

  test.each([
    ['all, if the limit is higher', 4, 3],
    ['all, if the limit is as high', 3, 3],
    ['as many as the limit says', 2, 2],
    ['none for a limit of none', 0, 0],
  ])('ends %s, and releases their grants', async (_, limit, ended) => {
    for (const nth of [1, 2, 3]) await insertHold(sql, { grant_id: `grt_${nth}` });
    expect(await end(limit)).toBe(ended);
    expect(await holds(sql)).toHaveLength(3 - ended);
    expect(Object.values(await grantStates(sql)).filter((state) => state === 'released')).toHaveLength(ended);
  });

  test('leaves the holds of other actions and tenants, and what they hold', async () => {
    await insertHolds();
    await insertHold(sql, { ...others, grant_id: 'grt_1' });
    expect(await end(10)).toBe(2);
    expect(await holds(sql)).toEqual(['grt_2 act_beside gone']);
    expect(await grantStates(sql)).toEqual({ grt_1: 'released', grt_2: 'watched' });
    expect(await grantStates(sql, 'ten_other')).toEqual({ grt_1: 'watched', grt_3: 'watched' });
  });

  test('ends nothing if the action holds nothing', async () => {
    expect(await end(10)).toBe(0);
  });

  test('does not release a grant that IVS has revoked since', async () => {
    await insertHold(sql, {}, { state: 'revoked' });
    expect(await end(10)).toBe(1);
    expect(await grantStates(sql)).toEqual({ grt: 'revoked' });
  });
});

describe('end_overdue_holds', () => {
  const end = (most = 10) => sql.call('end_overdue_holds', { tenant: 'ten', space: 'spc', most });

  test.each<[string, Row, boolean]>([
    ['whose ban has run out', { until: inSeconds(-0.01) }, true],
    ['whose ban is in force', { until: inHours(1) }, false],
    ['whose ban has no end', { until: null }, false],
    ['of a chat grant whose ban has run out', { until: inHours(-1), kind: 'chat' }, true],
    ['of another space', { until: inHours(-1), space_id: 'spc_beside' }, false],
  ])('a hold %s', async (_, row, ends) => {
    await insertHold(sql, row);
    await end();
    expect(await holds(sql)).toHaveLength(ends ? 0 : 1);
    expect(await grantStates(sql)).toEqual({ grt: ends ? 'released' : 'watched' });
  });

  test('ends no more at once than it is told, and goes on the next time', async () => {
    for (const grant_id of ['grt_1', 'grt_2', 'grt_3']) await insertHold(sql, { grant_id, until: inHours(-1) });
    const left: number[] = [];
    for (let n = 0; n < 3; n++) {
      await end(2);
      left.push((await holds(sql)).length);
    }
    expect(left).toEqual([1, 0, 0]);
    expect(Object.values(await grantStates(sql))).toEqual(['released', 'released', 'released']);
  });

  test('does not release a grant that another action holds, and touches no other tenant', async () => {
    await insertHold(sql, { until: inHours(-1) });
    await insertHold(sql, { action_id: 'act_beside', until: inHours(1) });
    await insertHold(sql, { ...others, until: inHours(-1) });
    await end();
    expect(await holds(sql)).toEqual(['grt act_beside gone']);
    expect(await grantStates(sql)).toEqual({ grt: 'watched' });
    expect(await list(sql, 'select count(*)::int from holds')).toEqual([2]);
  });
});

describe('end_chat_holds', () => {
  const end = () =>
    sql.call('end_chat_holds', { tenant: 'ten', action: 'act', space: 'spc', user: 'ann', ivsUser: 'p-ann', limits });
  const used = { kind: 'chat', ivs_user_id: 'p-ann', expires_at: inHours(-1) };

  test.each<[string, Row, Row, boolean]>([
    ['of a token that was used', {}, {}, true],
    ['of a token that Stagedoor signed', {}, { mint: 'key-pair' }, true],
    ['of a token that can still connect', { expires_at: inHours(1) }, {}, false],
    ['of a stage token', { kind: 'stage' }, {}, false],
    ['of another user', {}, { user_id: 'ben' }, false],
    ['of another name at IVS', { ivs_user_id: 'p-ben' }, {}, false],
    ['in another space', { space_id: 'spc_beside' }, {}, false],
    ['of another action', { action_id: 'act_beside' }, {}, false],
    ['in another tenant', others, {}, false],
  ])('says whether it ends a hold %s', async (_, row, grant, ends) => {
    await insertHold(sql, { ...used, ...row }, grant);
    await end();
    expect(await list(sql, 'select grant_id from holds')).toEqual(ends ? [] : ['grt']);
    expect(await list(sql, 'select state from grants')).toEqual([ends ? 'revoked' : 'watched']);
  });

  test('ends the holds of other actions on such a token as well', async () => {
    await insertHold(sql, used);
    await insertHold(sql, { ...used, action_id: 'act_beside' });
    await insertHold(sql, { ...others, ...used });
    await end();
    expect(await holds(sql)).toEqual([]);
    expect(await grantStates(sql, 'ten_other')).toEqual({ grt: 'watched' });
    expect(await list(sql, 'select tenant_id from holds')).toEqual(['ten_other']);
  });
});

describe('due_demotions', () => {
  const due = async () =>
    (await sql.call('due_demotions', { tenant: 'ten', space: 'spc' })).map((row) => row['result'] as Row);
  const demoted = (row: Row = {}, grant: Row = {}) =>
    insertHold(sql, { watch_for: 'demoted', participant_id: 'part', ...row }, grant);

  test.each<[string, Row, boolean]>([
    ['a demoted participant whose turn it is', {}, true],
    ['a demoted participant whose turn is later', { watch_from: inHours(1) }, false],
    ['a demoted user who has not been a participant', { participant_id: null }, false],
    ['somebody who should be gone', { watch_for: 'gone' }, false],
    ['somebody who is banned', { watch_for: 'banned' }, false],
    ['a demoted participant in another space', { space_id: 'spc_beside' }, false],
    ['a demoted participant of another tenant', others, false],
  ])('says whether to look at %s', async (_, row, isDue) => {
    await demoted(row);
    expect(await due()).toHaveLength(isDue ? 1 : 0);
  });

  test.each<[string, Row[], string[]]>([
    ['nothing, if they have no other token', [], []],
    ['what their lesser token allows', [{ capabilities: ['SUBSCRIBE'] }], ['SUBSCRIBE']],
    [
      'what the newest of their tokens allows',
      [
        { capabilities: ['SUBSCRIBE'], issued_at: inHours(-1) },
        { capabilities: ['PUBLISH'], issued_at: inHours(-2) },
      ],
      ['SUBSCRIBE'],
    ],
    ['nothing by a token that was refused', [{ state: 'refused' }], []],
    ['nothing by the token of another participant', [{ participant_id: 'part_2' }], []],
    ['nothing by the token of another tenant', [others], []],
  ])('tells what they may do: %s', async (_, grants, allowed) => {
    await demoted();
    for (const grant of grants) await insertGrant(sql, { participant_id: 'part', ...grant });
    expect((await due()).map((row) => row['allowed'])).toEqual([allowed]);
  });

  test('names a participant once, with the time of the last change, longest waiting first', async () => {
    const earlier = '2029-01-01T00:00:00+00:00';
    const later = '2030-01-01T00:00:00+00:00';
    const seen = '2031-01-01T00:00:00+00:00';
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_1', created_at: earlier });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_2', created_at: later });
    await demoted({
      grant_id: 'grt_1',
      participant_id: 'short',
      action_id: 'act_1',
      watch_from: inHours(-1),
      seen_at: seen,
    });
    await demoted({ grant_id: 'grt_2', participant_id: 'long', action_id: 'act_1', watch_from: inHours(-2) });
    await demoted({ grant_id: 'grt_1', participant_id: 'short', action_id: 'act_2', watch_from: inSeconds(-1) });
    await sql.query(`set local time zone 'UTC'`);
    await sql.become('stagedoor_crossing');
    expect(await due()).toEqual([
      { participantId: 'long', since: earlier, allowed: [], seenAt: null },
      { participantId: 'short', since: later, allowed: [], seenAt: seen },
    ]);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, due);
  });
});

describe('watches_in_turn', () => {
  /** `account turn tenant space`, in the order of the turns. */
  const turns = async () => {
    const rows = await sql.call('watches_in_turn');
    return rows.map((row) => ['account', 'turn', 'tenant_id', 'space_id'].map((name) => row[name]).join(' ')).sort();
  };
  const watch = (tenant: string, space: string, due: number, row: Row = {}) =>
    insertWatch(sql, { tenant_id: tenant, space_id: space, next_at: inHours(-due), ...row });

  test.each<[string, Row, boolean]>([
    ['that is due', {}, true],
    ['that is due later', { next_at: inHours(1) }, false],
    ['that is leased', { leased_until: inHours(1) }, false],
    ['whose lease has run out', { leased_until: inSeconds(-0.01) }, true],
  ])('says whether to look at a stage %s', async (_, row, isDue) => {
    await watch('ten', 'spc', 1, row);
    expect(await turns()).toEqual(isDue ? ['own us-east-1 1 ten spc'] : []);
  });

  test('lets the tenants of an account take turns, the longest due of each first', async () => {
    await watch('ten', 'spc', 5);
    await watch('ten', 'spc_beside', 6);
    await watch('ten_other', 'spc', 1);
    await watch('ten_other', 'spc_beside', 2);
    expect(await turns()).toEqual([
      'own us-east-1 1 ten spc_beside',
      'own us-east-1 2 ten_other spc_beside',
      'own us-east-1 3 ten spc',
      'own us-east-1 4 ten_other spc',
    ]);
  });

  test('counts the turns of each account by itself', async () => {
    await watch('ten', 'spc', 5);
    await sql.query(`update tenants set region = 'eu-west-1' where id = 'ten_other'`);
    await watch('ten_other', 'spc', 1);
    expect(await turns()).toEqual(['own eu-west-1 1 ten_other spc', 'own us-east-1 1 ten spc']);
  });

  test('lets the stages of deleted spaces come after all others', async () => {
    await watch('ten', 'spc', 9);
    await watch('ten', 'spc_beside', 1);
    await watch('ten_other', 'spc', 2);
    await sql.query(`update spaces set deleted_at = now() where tenant_id = 'ten' and id = 'spc'`);
    expect(await turns()).toEqual([
      'own us-east-1 1 ten_other spc',
      'own us-east-1 2 ten spc_beside',
      'own us-east-1 3 ten spc',
    ]);
  });

  test('gives no place to a stage that is not due', async () => {
    await watch('ten', 'spc', 5, { leased_until: inHours(1) });
    await watch('ten', 'spc_beside', 1);
    expect(await turns()).toEqual(['own us-east-1 1 ten spc_beside']);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, turns);
  });
});

describe('held_users', () => {
  const held = (limit = 10) => sql.value<string[]>('held_users', { tenant: 'ten', space: 'spc', limit });
  const user = (name: string, row: Row = {}) => insertHold(sql, { grant_id: `grt_${name}`, ivs_user_id: name, ...row });

  test('names each user once, those of the newest holds first', async () => {
    await user('ann', { watch_from: inHours(-3) });
    await user('ben', { watch_from: inHours(-2) });
    await user('ann', { grant_id: 'grt_ann2', watch_from: inHours(-1) });
    await user('cem', { watch_from: inHours(-4) });
    expect(await held()).toEqual(['ann', 'ben', 'cem']);
  });

  test('names nobody if nobody is held, and so many at most', async () => {
    expect(await held()).toEqual([]);
    for (const name of ['ann', 'ben', 'cem']) await user(name);
    expect(await held(2)).toHaveLength(2);
  });

  test.each<[string, Row]>([
    ['of chat grants', { kind: 'chat' }],
    ['of another space', { space_id: 'spc_beside' }],
    ['of another tenant', others],
  ])('leaves out holds %s', async (_, row) => {
    await user('ann', row);
    expect(await held()).toEqual([]);
  });

  test('reads one row of each user by index, however many holds they have', async () => {
    await user('ann');
    await sql.query(
      `insert into grants select (jsonb_populate_record(g, jsonb_build_object('id', 'grt_' || n))).*
         from grants g, generate_series(1, 3000) n where g.id = 'grt_ann'`,
    );
    await sql.query(
      `insert into holds select (jsonb_populate_record(h, jsonb_build_object('grant_id', 'grt_' || n))).*
         from holds h, generate_series(1, 3000) n`,
    );
    await sql.query('analyze holds');
    const scanned = async () => {
      const [rows] = await list(
        sql,
        `select pg_stat_get_xact_tuples_fetched('holds_of_ivs_user'::regclass) + pg_stat_get_xact_tuples_returned('holds'::regclass)`,
      );
      return Number(rows);
    };
    const before = await scanned();
    expect(await held()).toEqual(['ann']);
    expect((await scanned()) - before).toBeLessThan(10);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, held);
  });
});

describe('return_look_calls', () => {
  const giveBack = (calls: number) => sql.call('return_look_calls', { tenant: 'ten', calls, burst: 4 });
  const left = () => list(sql, 'select allowance from pacing');

  test.each([
    ['what was not made', 2, 3],
    ['nothing', 0, 1],
    ['no more than can be saved up', 9, 4],
  ])('gives back %s', async (_, calls, allowance) => {
    const operation = 'ListParticipants';
    await sql.insert('pacing', { account: 'own us-east-1', operation, allowance: 1, at: inSeconds(0) });
    await sql.become('stagedoor_test_service');
    await giveBack(calls);
    await sql.query('reset role');
    expect(await left()).toEqual([allowance]);
  });
});

describe('note_seen', () => {
  test('notes the time of the step in the holds of those whom it has found, and in no others', async () => {
    await insertHold(sql, { participant_id: 'part' });
    await insertHold(sql, { grant_id: 'grt_away', participant_id: 'away' });
    await insertHold(sql, { grant_id: 'grt_beside', participant_id: 'part', space_id: 'spc_beside' });
    await insertHold(sql, { grant_id: 'grt_other', participant_id: 'part', ...others });
    const at = '2030-01-01T00:00:00.000Z';
    await sql.call('note_seen', { tenant: 'ten', space: 'spc', lookedAt: at, connected: { part: {}, other: {} } });
    expect(await sql.query('select grant_id, seen_at from holds where seen_at is not null')).toEqual([
      { grant_id: 'grt', seen_at: new Date(at) },
    ]);
  });
});

describe('was_seen_since', () => {
  const since = '2030-01-01T00:00:00.000Z';
  test.each<[string, Row, boolean]>([
    ['at that time', { seen_at: since }, true],
    ['before', { seen_at: '2029-12-31T23:59:59.999Z' }, false],
    ['never', {}, false],
    ['in another tenant', { seen_at: since, ...others }, false],
  ])('says of a participant who was seen %s', async (_, row, was) => {
    await insertHold(sql, row);
    expect(await sql.value('was_seen_since', { tenant: 'ten', grant: 'grt', since })).toBe(was);
    expect(await sql.value('was_seen_since', { tenant: 'ten', grant: null, since })).toBe(false);
  });
});

describe('actions_on_failing_looks', () => {
  const failing = async (actions: string[] | null) =>
    (await sql.call('actions_on_failing_looks', { tenant: 'ten', actions })).map((row) =>
      String(row['action_id'] ?? row['result']),
    );

  test.each<[string, Row, Row, boolean]>([
    ['whose looks have failed for long', { failing_from: inSeconds(-1) }, {}, true],
    ['whose looks have failed for a moment', { failing_from: inHours(1) }, {}, false],
    ['whose looks do not fail', {}, {}, false],
    ['for chat alone', { failing_from: inSeconds(-1) }, { kind: 'chat' }, false],
    ['of another action', { failing_from: inSeconds(-1) }, { action_id: 'act_beside' }, false],
    ['in another space', { failing_from: inSeconds(-1) }, { space_id: 'spc_beside' }, false],
    ['of another tenant', { failing_from: inSeconds(-1), ...others }, {}, false],
  ])('with a hold %s', async (_, watch, hold, does) => {
    await insertWatch(sql, watch);
    await insertHold(sql, hold);
    expect(await failing(['act'])).toEqual(does ? ['act'] : []);
    expect((await failing(null)).includes('act')).toBe(does);
  });

  test('names each action once, and only those that are asked for', async () => {
    await insertWatch(sql, { failing_from: inSeconds(-1) });
    for (const grant of ['grt_1', 'grt_2']) await insertHold(sql, { grant_id: grant });
    await insertHold(sql, { grant_id: 'grt_2', action_id: 'act_beside' });
    expect((await failing(null)).toSorted()).toEqual(['act', 'act_beside']);
    expect(await failing(['act_beside', 'act_gone'])).toEqual(['act_beside']);
    expect(await failing([])).toEqual([]);
  });
});

describe('watch_backlog', () => {
  const backlog = async () => {
    const [row] = await sql.call<{ oldest: number; failing: string }>('watch_backlog');
    return [Math.round(Number(row?.oldest) / 3600), Number(row?.failing)];
  };

  test.each<[string, Row[], number, number]>([
    ['no watch', [], 0, 0],
    ['the age of a watch that was never looked at', [{ began_at: inHours(-2) }], 2, 0],
    ['the age of the last whole look', [{ began_at: inHours(-5), looked_at: inHours(-3) }], 3, 0],
    ['no watch that is not due', [{ began_at: inHours(-5), next_at: inHours(1) }], 0, 0],
    [
      'a watch that is not due because its look failed',
      [{ began_at: inHours(-5), next_at: inHours(1), last_error: 'refused' }],
      5,
      0,
    ],
    ['how many fail', [{ failing_from: inSeconds(-1), began_at: inHours(-1) }], 1, 1],
    ['none that fails for a moment', [{ failing_from: inHours(1), began_at: inHours(-1) }], 1, 0],
    ['the oldest of all tenants', [{ began_at: inHours(-1) }, { began_at: inHours(-4), ...others }], 4, 0],
  ])('counts %s', async (_, watches, oldest, failing) => {
    for (const watch of watches) await insertWatch(sql, watch);
    await sql.become('stagedoor_test_service');
    expect(await backlog()).toEqual([oldest, failing]);
  });
});

describe('plan_next_step', () => {
  const lookedAt = '2030-01-01T00:00:00.000Z';
  const plan = (step: Row) =>
    sql.call('plan_next_step', { tenant: 'ten', space: 'spc', lookedAt, step: { nextIn: 7200, ...step } });
  const left = async () => {
    const [row] = await sql.query(
      `select ${hours('next_at')} as next, sweep, pages, looked_at, last_error, ${hours('failing_from')} as fails
         from watches where tenant_id = 'ten' and space_id = 'spc'`,
    );
    return row;
  };
  const watched = { next: 2, sweep: null, pages: 7, looked_at: null, last_error: null, fails: null };
  const error = { error: 'refused', failsIn: 3600 };

  test.each<[string, Row, Row, Row]>([
    ['a whole look', {}, { since: lookedAt, pages: 9 }, { pages: 9, looked_at: new Date(lookedAt) }],
    ['a look that goes on', {}, { sweep: { pages: 1 } }, { sweep: { pages: 1 } }],
    ['an error', {}, error, { last_error: 'refused', fails: 1 }],
    ['an error that goes on', { failing_from: inHours(-1) }, error, { last_error: 'refused', fails: -1 }],
    ['an error, with what was found before', {}, { ...error, since: lookedAt }, { last_error: 'refused', fails: 1 }],
    ['no error any more', { last_error: 'refused', failing_from: inHours(-1) }, { sweep: {} }, { sweep: {} }],
  ])('notes %s', async (_, watch, step, noted) => {
    await insertWatch(sql, { next_at: '2029-01-01T00:00:00Z', pages: 7, ...watch });
    await plan(step);
    expect(await left()).toEqual({ ...watched, ...noted });
  });

  test('leaves a step due that somebody has asked for', async () => {
    await insertWatch(sql, { next_at: '2030-01-01T00:00:00.001Z' });
    await plan({ since: lookedAt });
    expect(await list(sql, 'select next_at from watches')).toEqual([new Date('2030-01-01T00:00:00.001Z')]);
  });

  test.each([
    ['does not fail any more', { sweep: {} }, ['act']],
    ['fails', error, []],
  ])('silences the actions that have waited for the look if it %s', async (_, step, silenced) => {
    await insertWatch(sql, { failing_from: inHours(-1) });
    await insertHold(sql, {});
    await insertHold(sql, { action_id: 'act_beside' });
    await insertDelivery(sql, { action_id: 'act_beside' });
    await plan(step);
    expect(await list(sql, 'select id from actions where silenced_at is not null')).toEqual(silenced);
  });
});

describe('reserve_event_lookups', () => {
  const reserve = (tenant: string, wanted: number) =>
    sql.value<number | null>('reserve_event_lookups', { tenant, wanted, rate: 0, burst: 5 });

  test('grants what is wanted, and then what is left', async () => {
    expect([await reserve('ten', 3), await reserve('ten', 3), await reserve('ten', 3)]).toEqual([3, 2, 0]);
  });

  test('grants none if none are wanted', async () => {
    expect(await reserve('ten', 0)).toBe(0);
  });

  test('shares one rate among the tenants of an account, and leaves the rates of others', async () => {
    await sql.insert('tenants', { id: 'ten_own', region: 'eu-west-1' });
    await sql.insert('pacing', {
      account: 'own us-east-1',
      operation: 'ListParticipants',
      allowance: 9,
      at: inSeconds(0),
    });
    await sql.become('stagedoor_test_service');
    expect(await reserve('ten', 4)).toBe(4);
    expect(await reserve('ten_other', 4)).toBe(1);
    expect(await reserve('ten_own', 4)).toBe(4);
    await sql.query('reset role');
    expect(await list(sql, `select concat_ws(' ', account, operation, allowance) from pacing order by 1`)).toEqual([
      'own eu-west-1 ListParticipantEvents 1',
      'own us-east-1 ListParticipantEvents 0',
      'own us-east-1 ListParticipants 9',
    ]);
  });

  test('grants nothing to a tenant that is not there', async () => {
    expect(await reserve('ten_gone', 3)).toBeNull();
  });
});

describe('is_held_by', () => {
  test.each<[string, Row, boolean]>([
    ['this action', {}, true],
    ['another action', { action_id: 'act_beside' }, false],
    ['this action, of another grant', { grant_id: 'grt_2' }, false],
    ['an action of another tenant', others, false],
  ])('with a hold by %s', async (_, row, is) => {
    await insertHold(sql, row);
    expect(await sql.value('is_held_by', { tenant: 'ten', grant: 'grt', action: 'act' })).toBe(is);
  });
});

describe('is_holding', () => {
  test('says whether an action holds a grant', async () => {
    await insertHold(sql, {});
    const isHolding = (tenant: string, action: string) => sql.value('is_holding', { tenant, action });
    expect([
      await isHolding('ten', 'act'),
      await isHolding('ten', 'act_beside'),
      await isHolding('ten_other', 'act'),
    ]).toEqual([true, false, false]);
  });
});

describe('held_grants', () => {
  test('are the grants that an action holds, those that last longest first', async () => {
    for (const [grant_id, hours] of [
      ['a', 1],
      ['b', 3],
      ['c', 2],
    ] as const)
      await insertHold(sql, { grant_id, expires_at: inHours(hours) });
    await insertHold(sql, { grant_id: 'beside', action_id: 'act_beside' });
    const held = await sql.value<Row[]>('held_grants', { tenant: 'ten', action: 'act' });
    expect(held.map(({ id, state }) => `${String(id)} ${String(state)}`)).toEqual([
      'b watched',
      'c watched',
      'a watched',
    ]);
    expect(await sql.value('held_grants', { tenant: 'ten', action: 'act_gone' })).toBeNull();
  });
});

describe('drop_watches_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['spaces', { id: 'spc' }],
      ['grants', { id: 'grt', space_id: 'spc' }],
      ['actions', { id: 'act', space_id: 'spc' }],
      ['holds', { grant_id: 'grt', action_id: 'act', space_id: 'spc' }],
      ['watches', { space_id: 'spc' }],
    ];
    await expectDropped(sql, ['holds', 'watches'], rows, (args) => sql.value('drop_watches_of_tenant', args));
  });
});

describe('erase_holds', () => {
  test('counts the holds of the user, and looks in which they are, and deletes holds that nothing has ended', async () => {
    await sql.insert('tenants', { id: 'ten_e' });
    for (const id of ['spc', 'spc_b']) await sql.insert('spaces', { tenant_id: 'ten_e', id });
    await sql.insert('actions', { tenant_id: 'ten_e', id: 'act' });
    for (const [id, ivs_user_id] of [
      ['grt', 'ann'],
      ['grt_b', 'ben'],
    ]) {
      await sql.insert('grants', { tenant_id: 'ten_e', id, space_id: 'spc' });
      await sql.insert('holds', { tenant_id: 'ten_e', grant_id: id, action_id: 'act', space_id: 'spc', ivs_user_id });
    }
    await sql.insert('watches', { tenant_id: 'ten_e', space_id: 'spc', sweep: { seen: ['ann'] } });
    await sql.insert('watches', { tenant_id: 'ten_e', space_id: 'spc_b', sweep: { seen: ['annabel'] } });
    const args = { tenant: 'ten_e', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_holds', args)).toEqual([{ changed: '0', waiting: '2', reached: null }]);
    await sql.query(`update holds set expires_at = now() - interval '26 hours' where tenant_id = 'ten_e'`);
    expect(await sql.call('erase_holds', args)).toEqual([{ changed: '1', waiting: '1', reached: null }]);
    expect(await sql.query(`select grant_id from holds where tenant_id = 'ten_e'`)).toEqual([{ grant_id: 'grt_b' }]);
  });
});

describe('drop_old_holds', () => {
  test('deletes holds of chat grants that expired long ago, one step after the other', async () => {
    const old = { kind: 'chat', expires_at: inHours(-5) };
    for (const grant_id of ['old_a', 'old_b']) await insertHold(sql, { ...old, grant_id });
    await insertHold(sql, { ...old, grant_id: 'recent', expires_at: inHours(-3) });
    await insertHold(sql, { ...old, grant_id: 'on_stage', kind: 'stage' });
    const args = { tenant: 'ten', before: new Date(Date.now() - 4 * 3_600_000), most: 1 };
    expect(await sql.value('drop_old_holds', { ...args, tenant: 'ten_other' })).toBe(0);
    for (const dropped of [1, 1, 0]) expect(await sql.value('drop_old_holds', args)).toBe(dropped);
    expect(await list(sql, `select grant_id from holds where tenant_id = 'ten' order by 1`)).toEqual([
      'on_stage',
      'recent',
    ]);
  });
});

describe('has_watch', () => {
  test('tells of the space, and of no other', async () => {
    for (const tenant_id of ['t', 't_other']) {
      await sql.insert('tenants', { id: tenant_id });
      for (const id of ['full', 'empty']) await sql.insert('spaces', { tenant_id, id });
    }
    await sql.insert('watches', { tenant_id: 't', space_id: 'full' });
    const has = (tenant: string, space: string) => sql.value('has_watch', { tenant, space });
    expect([await has('t', 'full'), await has('t', 'empty'), await has('t_other', 'full')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('is_only_demoted', () => {
  test.each<[string, Row[], boolean]>([
    ['is held by nothing', [], false],
    ['is held by changes of role', [{ watch_for: 'demoted' }, { watch_for: 'demoted', action_id: 'act_2' }], true],
    ['is held by an act beside one', [{ watch_for: 'demoted' }, { watch_for: 'gone', action_id: 'act_2' }], false],
  ])('says so of a grant that %s', async (_, rows, answer) => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_2' });
    for (const row of rows) await insertHold(sql, { grant_id: 'grt', ...row });
    await insertHold(sql, { grant_id: 'grt', watch_for: 'banned', ...others });
    expect(await sql.value('is_only_demoted', { tenant: 'ten', grant: 'grt' })).toBe(answer);
  });
});
