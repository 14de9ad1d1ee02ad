/** The functions of grants. Those that decide whose grants an act takes have files of their own. */
import type { SqlArguments } from '../../src/database/sql-call.ts';
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, inSeconds, limitsWith, SqlSession } from '../support/sql.ts';
import { until } from '../support/until.ts';

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
});
afterEach(async () => {
  await other.rollback();
  await sql.rollback();
});

type Row = Record<string, unknown>;

const minute = 60_000;
const hour = 60 * minute;

/** Puts a grant of Ann's for the space `spc` into the table. */
async function put(grant: Row = {}): Promise<Row> {
  return await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', ...grant });
}

async function putAll(grants: Row[]): Promise<void> {
  for (const grant of grants) await put(grant);
}

/** Ids and states of all grants, `<id> <state>`. */
async function states(): Promise<unknown[]> {
  const rows = await sql.query(`select tenant_id || ' ' || id || ' ' || state as row from grants order by 1`);
  return rows.map(({ row }) => row);
}

/** Rows that no function for Ann at the space `spc` of the tenant `ten` may count. */
const beside: Record<string, Row> = {
  'a grant of somebody else': { user_id: 'ben' },
  'a grant for another space': { space_id: 'spc_beside' },
  'a grant at another tenant': { tenant_id: 'ten_other' },
};

describe('allows_more', () => {
  const host = {
    stage_capabilities: ['PUBLISH', 'SUBSCRIBE'],
    stage_ttl_seconds: 600,
    chat_capabilities: ['SEND_MESSAGE'],
    chat_session_minutes: 60,
  };
  test.each<[string, Row, Row | null, boolean]>([
    ['the same on a stage', { kind: 'stage', capabilities: ['SUBSCRIBE', 'PUBLISH'] }, host, false],
    ['less on a stage', { kind: 'stage', capabilities: ['SUBSCRIBE'] }, host, false],
    ['nothing on a stage', { kind: 'stage', capabilities: [] }, host, false],
    [
      'more on a stage',
      { kind: 'stage', capabilities: ['PUBLISH'] },
      { ...host, stage_capabilities: ['SUBSCRIBE'] },
      true,
    ],
    [
      'a stage that the role does not open',
      { kind: 'stage', capabilities: [] },
      { ...host, stage_ttl_seconds: null },
      true,
    ],
    ['the same in a chat', { kind: 'chat', capabilities: ['SEND_MESSAGE'] }, host, false],
    ['more in a chat', { kind: 'chat', capabilities: ['SEND_MESSAGE', 'DISCONNECT_USER'] }, host, true],
    [
      'a chat that the role does not open',
      { kind: 'chat', capabilities: [] },
      { ...host, chat_session_minutes: null },
      true,
    ],
    ['in a chat what the role allows on a stage', { kind: 'chat', capabilities: ['PUBLISH'] }, host, true],
    ['a stage without a role', { kind: 'stage', capabilities: [] }, null, true],
    ['a chat without a role', { kind: 'chat', capabilities: [] }, null, true],
    ['a stage of an empty role', { kind: 'stage', capabilities: [] }, {}, true],
  ])('%s', async (_, grant, role, more) => {
    const args = 'jsonb_populate_record(null::grants, $1), jsonb_populate_record(null::roles, $2)';
    expect(await sql.valueOf('allows_more', args, [grant, role])).toBe(more);
  });
});

describe('may_be_inside', () => {
  test.each<[string, string | null, boolean]>([
    ['pending', 'ivs', false],
    ['pending', null, false],
    ['released', 'ivs', true],
    ['released', 'key-pair', true],
    ['released', null, true],
    ['refused', 'ivs', false],
    ['refused', 'key-pair', false],
    ['watched', 'ivs', true],
    ['watched', 'key-pair', true],
    ['revoked', 'ivs', true],
    ['revoked', 'key-pair', true],
    ['revoked', null, false],
  ])('%s, made by %p', async (state, mint, may) => {
    // An answer of null is as good as false: the callers use it as a condition.
    const answer = await sql.valueOf('may_be_inside', 'jsonb_populate_record(null::grants, $1)', [{ state, mint }]);
    expect(answer ?? false).toBe(may);
  });
});

describe('capabilities_of_participant', () => {
  const viewer = { participant_id: 'p', capabilities: ['SUBSCRIBE'], issued_at: inSeconds(-60) };
  const host = { participant_id: 'p', capabilities: ['PUBLISH'], issued_at: inSeconds(-30) };

  test.each<[string, Row[], string[]]>([
    ['the grant', [viewer], ['SUBSCRIBE']],
    ['the newest grant', [host, viewer], ['PUBLISH']],
    ['the newest grant that is released', [viewer, { ...host, state: 'watched' }], ['SUBSCRIBE']],
    [
      'the grant with the higher id, of two of one moment',
      [
        { ...viewer, issued_at: fromNow(0) },
        { ...host, issued_at: fromNow(0) },
      ],
      ['PUBLISH'],
    ],
    ['an expired grant', [{ ...host, expires_at: inSeconds(-1) }], ['PUBLISH']],
    ['no grant of another participant', [{ ...viewer, participant_id: 'q' }], []],
    ['no grant at another tenant', [{ ...viewer, tenant_id: 'ten_other' }], []],
    ['no grant', [], []],
  ])('of %s', async (_, grants, capabilities) => {
    await putAll(grants);
    expect(await sql.value('capabilities_of_participant', { tenant: 'ten', participant: 'p' })).toEqual(capabilities);
  });
});

describe('grant_of_participant', () => {
  test('is the newest grant whose token was handed out', async () => {
    const grant = { participant_id: 'p', user_id: 'ann' };
    await putAll([
      { ...grant, id: 'grt_a', role: 'viewer', issued_at: inSeconds(-60) },
      { ...grant, id: 'grt_b', role: 'host', issued_at: inSeconds(-30), state: 'revoked' },
      { ...grant, id: 'grt_c', role: 'host', issued_at: inSeconds(-20), state: 'refused' },
      { ...grant, id: 'grt_d', role: 'host', tenant_id: 'ten_other' },
    ]);
    const of = (participant: string) => sql.call('grant_of_participant', { tenant: 'ten', participant });
    expect(await of('p')).toEqual([{ grant_id: 'grt_b', user_id: 'ann', role: 'host' }]);
    expect(await of('q')).toEqual([]);
  });
});

describe('grant_to_exchange', () => {
  const signed = { mint: 'key-pair', issued_at: inSeconds(-60) };
  const more = { ...signed, capabilities: ['PUBLISH', 'SUBSCRIBE'] };

  test.each<[string, Row[], string | null]>([
    ['a grant that Stagedoor signed', [{ ...signed, id: 'a' }], 'a'],
    [
      'the newest',
      [
        { ...signed, id: 'a', issued_at: inSeconds(-90) },
        { ...signed, id: 'b' },
      ],
      'b',
    ],
    [
      'the higher id, of two of one moment',
      [
        { ...signed, id: 'b', issued_at: fromNow(-1) },
        { ...signed, id: 'a', issued_at: fromNow(-1) },
      ],
      'b',
    ],
    [
      'one that allows more than the role, before a newer one that does not',
      [
        { ...more, id: 'a', issued_at: inSeconds(-90) },
        { ...signed, id: 'b' },
      ],
      'a',
    ],
    [
      'the newest of those that allow more',
      [
        { ...more, id: 'a', issued_at: inSeconds(-90) },
        { ...more, id: 'b' },
      ],
      'b',
    ],
    [
      'one that expired within the stay',
      [{ ...signed, id: 'a', expires_at: inSeconds(-3600), session_expires_at: inSeconds(-3600) }],
      'a',
    ],
    ['none that IVS made', [{ ...signed, mint: 'ivs' }], null],
    ['none of chat', [{ ...signed, kind: 'chat' }], null],
    ['none that is watched', [{ ...signed, state: 'watched' }], null],
    ['none that was revoked', [{ ...signed, state: 'revoked' }], null],
    [
      'none that expired longer ago than anybody stays',
      [
        {
          ...signed,
          issued_at: inSeconds(-90_000),
          expires_at: inSeconds(-86_401),
          session_expires_at: inSeconds(-86_401),
        },
      ],
      null,
    ],
    ...Object.entries(beside).map(
      ([what, row]) => [`not ${what}`, [{ ...signed, ...row }], null] as [string, Row[], null],
    ),
    ['none', [], null],
  ])('is %s', async (_, grants, id) => {
    await putAll(grants);
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('roles', { tenant_id: 'ten', name: 'viewer', stage_capabilities: ['SUBSCRIBE'] });
    const args = `'ten', 'spc', 'ann', find_role('ten', 'viewer'), $1`;
    expect(await sql.rowsOf('grant_to_exchange', args, [limits])).toMatchObject([{ id }]);
  });
});

describe('participant_may_stay', () => {
  const signed = { mint: 'key-pair', participant_id: 'part', state: 'released' };
  test.each<[string, Row[], boolean]>([
    ['a signed token of the user', [signed], true],
    ['another grant beside one that an act holds', [{ ...signed, state: 'watched' }, signed], true],
    ['nothing', [], false],
    ['a grant that an act holds', [{ ...signed, state: 'watched' }], false],
    ['a token that IVS made', [{ ...signed, mint: 'ivs' }], false],
    ['a participant of somebody else', [{ ...signed, user_id: 'ben' }], false],
    ['a participant of another space', [{ ...signed, space_id: 'spc_beside' }], false],
    ['a participant at another tenant', [{ ...signed, tenant_id: 'ten_other' }], false],
    ['another participant', [{ ...signed, participant_id: 'part_beside' }], false],
  ])('with %s', async (_, grants, mayStay) => {
    await putAll(grants);
    const asked = { tenant: 'ten', space: 'spc', user: 'ann', participant: 'part' };
    expect(await sql.value('participant_may_stay', asked)).toBe(mayStay);
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act' });
    const call = { operation: 'DisconnectParticipant', arn: 'stage', target: 'part' };
    await sql.insert('deliveries', { tenant_id: 'ten', action_id: 'act', space_id: 'spc', ...call });
    expect(await sql.value('participant_may_stay', asked)).toBe(false);
  });
});

describe('granted_roles', () => {
  const day = 24 * hour;
  test.each<[string, Row, boolean]>([
    ['a released grant', {}, true],
    ['a watched grant', { state: 'watched' }, true],
    ['a grant that expired less than a day ago', { session_expires_at: fromNow(1 - day) }, true],
    ['a grant that expired a day ago', { session_expires_at: fromNow(-day) }, false],
    [
      'a chat grant whose token is over and whose session lasts',
      { kind: 'chat', expires_at: inSeconds(-90_000) },
      true,
    ],
    ['a pending grant', { state: 'pending' }, true],
    ['a refused grant', { state: 'refused' }, false],
    ['a revoked grant', { state: 'revoked', mint: 'key-pair' }, false],
    ...Object.entries(beside).map(([what, row]) => [what, row, false] as [string, Row, boolean]),
  ])('%s', async (_, grant, counts) => {
    const row = await put({ role: 'host', ...grant });
    expect(await sql.call('granted_roles', { tenant: 'ten', space: 'spc', user: 'ann', limits })).toEqual(
      counts ? [{ role: 'host', space_id: 'spc', turn: row['turn'], issued_at: row['issued_at'] }] : [],
    );
  });

  test('in all spaces', async () => {
    await putAll([{ role: 'host' }, { role: 'viewer', space_id: 'spc_beside' }, { role: 'owner', user_id: 'ben' }]);
    const rows = await sql.call<{ role: string; space_id: string }>('granted_roles', {
      tenant: 'ten',
      space: null,
      user: 'ann',
      limits,
    });
    expect(rows.map(({ role, space_id }) => `${role} ${space_id}`).toSorted()).toEqual([
      'host spc',
      'viewer spc_beside',
    ]);
  });
});

describe('grants_by_id', () => {
  test.each<[string, (string | null)[], string[]]>([
    ['in the order of the ids', ['c', 'a', 'b'], ['c', 'a', 'b']],
    ['one twice, if it is asked for twice', ['a', 'a'], ['a', 'a']],
    ['without those that are not there', ['gone', 'b', null], ['b']],
    ['without those of another tenant', ['b', 'd'], ['b']],
    ['none, of none', [], []],
  ])('reads %s', async (_, ids, found) => {
    await putAll([{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd', tenant_id: 'ten_other' }]);
    // The rows come as text: {"(ten,a,…)","(ten,b,…)"}.
    const grants = await sql.value<string>('grants_by_id', { tenant: 'ten', ids });
    expect(Array.from(grants.matchAll(/\((\w+),(\w+),/g), ([, tenant, id]) => `${tenant} ${id}`)).toEqual(
      found.map((id) => `ten ${id}`),
    );
  });
});

describe('has_place', () => {
  const space = { tenant_id: 'ten', id: 'spc', updated_at: new Date(0) };

  async function hasPlace(changed: Row = {}): Promise<unknown> {
    const args = 'jsonb_populate_record(null::spaces, $1), $2, $3';
    const longest = limitsWith({ longestTokenSeconds: 3600 });
    return await sql.valueOf('has_place', args, [{ ...space, ...changed }, 'ann', longest]);
  }

  test.each<[string, Row, boolean]>([
    ['a released stage grant', {}, true],
    ['a released chat grant', { kind: 'chat' }, true],
    ['a grant that expires next', { session_expires_at: fromNow(1) }, true],
    ['a grant that expires now', { session_expires_at: fromNow(0) }, false],
    ['a chat grant whose token is over and whose session lasts', { kind: 'chat', expires_at: inSeconds(-1) }, true],
    ['a grant that is not older than any token', { issued_at: fromNow(1 - hour) }, true],
    ['a grant that is older than any token', { issued_at: fromNow(-hour) }, false],
    ['a pending grant', { state: 'pending' }, false],
    ['a watched grant', { state: 'watched' }, false],
    ['a refused grant', { state: 'refused' }, false],
    ['a revoked grant', { state: 'revoked' }, false],
    ...Object.entries(beside).map(([what, row]) => [what, row, false] as [string, Row, boolean]),
  ])('%s', async (_, grant, has) => {
    await put(grant);
    expect(await hasPlace()).toBe(has);
  });

  test.each([
    ['from before the last change of the space', -1, false],
    ['of the moment of that change', 0, false],
    ['from after that change', 1, true],
  ])('a grant %s', async (_, after, has) => {
    const changedAt = Date.now() - minute;
    await put({ issued_at: new Date(changedAt + after) });
    expect(await hasPlace({ updated_at: new Date(changedAt) })).toBe(has);
  });

  test('nothing', async () => {
    expect(await hasPlace()).toBe(false);
  });
});

describe('lock_grants', () => {
  /** Rows that another connection can see: they are committed, and deleted after the test. */
  beforeEach(async () => {
    await putAll([{ id: 'a' }, { id: 'b' }, { id: 'a', tenant_id: 'ten_other' }]);
    await sql.commit();
    await sql.begin();
  });
  afterEach(async () => {
    await other.rollback();
    await sql.rollback();
    await sql.query('delete from grants');
    await sql.begin();
    await other.begin();
  });

  test.each<[string, string[], string, string[], boolean]>([
    ['waits for somebody who has locked the same grant', ['a'], 'ten', ['a'], true],
    ['waits if one of many is locked', ['a'], 'ten', ['b', 'a'], true],
    ['does not wait for another grant', ['a'], 'ten', ['b'], false],
    ['does not wait for a grant of another tenant with the same id', ['a'], 'ten_other', ['a'], false],
    ['does not wait if it locks nothing', ['a'], 'ten', [], false],
    ['does not wait for grants that are not there', ['gone'], 'ten', ['gone'], false],
  ])('%s', async (_, first, tenant, second, waits) => {
    await sql.call('lock_grants', { tenant: 'ten', ids: first });
    expect(await other.hasToWait(() => other.call('lock_grants', { tenant, ids: second }))).toBe(waits);
  });

  test('makes a change of the grant wait, and lets a row be written that refers to it', async () => {
    await sql.call('lock_grants', { tenant: 'ten', ids: ['a'] });
    expect(await other.hasToWait(() => other.call('mark_grants_watched', { tenant: 'ten', ids: ['a'] }))).toBe(true);
    const refer = `select from grants where tenant_id = 'ten' and id = 'a' for key share`;
    expect(await other.hasToWait(() => other.query(refer))).toBe(false);
  });

  test('locks in the order of the ids, whatever the order of its argument', async () => {
    const [me] = await sql.query<{ pid: number }>('select pg_backend_pid() as pid');
    await other.call('lock_grants', { tenant: 'ten', ids: ['a'] });
    const waiting = sql.call('lock_grants', { tenant: 'ten', ids: ['b', 'a'] });
    const isWaiting = 'select from pg_locks where pid = $1 and not granted';
    await until(async () => (await other.query(isWaiting, [me?.pid])).length > 0, 'the call waits for the grant a');
    const free = `select id from grants where tenant_id = 'ten' and id = 'b' for update skip locked`;
    expect(await other.query(free)).toEqual([{ id: 'b' }]);
    await other.rollback();
    await waiting;
  });
});

describe('lock_user', () => {
  const ban = { tenant: 'ten', user: 'ann', exclusive: true };
  const vend = { ...ban, exclusive: false };

  test.each<[string, typeof ban, typeof ban, boolean]>([
    ['a vend does not wait for a vend', vend, vend, false],
    ['a vend waits for a ban', ban, vend, true],
    ['a ban waits for a vend', vend, ban, true],
    ['a ban waits for a ban', ban, ban, true],
    ['a vend does not wait for a ban of somebody else', { ...ban, user: 'ben' }, vend, false],
    ['a vend does not wait for a ban at another tenant', { ...ban, tenant: 'ten_other' }, vend, false],
  ])('%s', async (_, first, second, waits) => {
    await sql.call('lock_user', first);
    expect(await other.hasToWait(() => other.call('lock_user', second))).toBe(waits);
  });

  test('lasts until the transaction ends', async () => {
    await sql.call('lock_user', ban);
    await sql.rollback();
    expect(await other.hasToWait(() => other.call('lock_user', ban))).toBe(false);
    await sql.begin();
  });
});

const all = ['pending', 'released', 'refused', 'watched', 'revoked'];

describe('mark_grants_released', () => {
  test.each(all)('of state %s: only a watched grant changes', async (state) => {
    await putAll([
      { id: 'a', state },
      { id: 'b', state },
      { id: 'a', tenant_id: 'ten_other', state },
    ]);
    await sql.call('mark_grants_released', { tenant: 'ten', ids: ['a', 'gone'] });
    const after = state === 'watched' ? 'released' : state;
    expect(await states()).toEqual([`ten a ${after}`, `ten b ${state}`, `ten_other a ${state}`]);
  });
});

describe('mark_grants_revoked', () => {
  test.each(all)('of state %s: only a grant changes that may open something', async (state) => {
    await putAll([
      { id: 'a', state },
      { id: 'b', state },
      { id: 'a', tenant_id: 'ten_other', state },
    ]);
    await sql.call('mark_grants_revoked', { tenant: 'ten', ids: ['a', 'gone'], mint: null });
    const after = ['released', 'watched'].includes(state) ? 'revoked' : state;
    expect(await states()).toEqual([`ten a ${after}`, `ten b ${state}`, `ten_other a ${state}`]);
  });

  test.each([
    ['ivs', ['ten ivs revoked', 'ten key released', 'ten none released']],
    ['key-pair', ['ten ivs released', 'ten key revoked', 'ten none released']],
    [null, ['ten ivs revoked', 'ten key revoked', 'ten none revoked']],
  ])('with the mint %p', async (mint, after) => {
    await putAll([{ id: 'ivs' }, { id: 'key', mint: 'key-pair' }, { id: 'none', mint: null }]);
    await sql.call('mark_grants_revoked', { tenant: 'ten', ids: ['ivs', 'key', 'none'], mint });
    expect(await states()).toEqual(after);
  });
});

describe('mark_grants_watched', () => {
  test.each(all)('of state %s: only a released grant changes', async (state) => {
    await putAll([
      { id: 'a', state },
      { id: 'b', state },
      { id: 'a', tenant_id: 'ten_other', state },
    ]);
    await sql.call('mark_grants_watched', { tenant: 'ten', ids: ['a', 'gone'] });
    const after = state === 'released' ? 'watched' : state;
    expect(await states()).toEqual([`ten a ${after}`, `ten b ${state}`, `ten_other a ${state}`]);
  });

  test.each<[string, Row, string]>([
    ['a stage grant that has expired', { session_expires_at: inSeconds(-60) }, 'watched'],
    ['a chat grant whose session could still last', { kind: 'chat', session_expires_at: fromNow(1) }, 'watched'],
    ['a chat grant whose session is over', { kind: 'chat', session_expires_at: fromNow(0) }, 'released'],
  ])('%s', async (_, grant, state) => {
    await put({ id: 'a', ...grant });
    await sql.call('mark_grants_watched', { tenant: 'ten', ids: ['a'] });
    expect(await states()).toEqual([`ten a ${state}`]);
  });
});

describe('ranked_stage_grants', () => {
  const stage = (id: string, secondsAgo: number, changed: Row = {}): Row => ({
    id,
    issued_at: inSeconds(-secondsAgo),
    ...changed,
  });

  test.each<[string, Row[], string[], most: number, ranks: Record<string, string>]>([
    [
      'the newest first',
      [stage('a', 30), stage('b', 20), stage('c', 10)],
      ['a', 'b', 'c'],
      25,
      { a: '3', b: '2', c: '1' },
    ],
    ['among all grants, not only those that are asked for', [stage('a', 30), stage('b', 20)], ['a'], 25, { a: '2' }],
    [
      'up to the most',
      [stage('a', 40), stage('b', 30), stage('c', 20), stage('d', 10)],
      ['a', 'b', 'c', 'd'],
      2,
      { a: '3', b: '3', c: '2', d: '1' },
    ],
    ['without grants of chat', [stage('a', 30), stage('b', 20, { kind: 'chat' })], ['a', 'b'], 25, { a: '1' }],
    [
      'without grants that have no participant',
      [stage('a', 30), stage('b', 20, { participant_id: null })],
      ['a', 'b'],
      25,
      { a: '1' },
    ],
    [
      'without counting grants that nobody is inside with',
      [stage('a', 30), stage('b', 20, { state: 'refused' })],
      ['a'],
      25,
      { a: '1' },
    ],
    [
      'with expired and watched grants',
      [stage('a', 30), stage('b', 20, { state: 'watched', expires_at: inSeconds(-9) })],
      ['a'],
      25,
      { a: '2' },
    ],
    [
      'each user for themselves',
      [stage('a', 30), stage('b', 20, { user_id: 'ben' })],
      ['a', 'b'],
      25,
      { a: '1', b: '1' },
    ],
    [
      'each space for itself',
      [stage('a', 30), stage('b', 20, { space_id: 'spc_beside' })],
      ['a', 'b'],
      25,
      { a: '1', b: '1' },
    ],
    ['each tenant for itself', [stage('a', 30), stage('b', 20, { tenant_id: 'ten_other' })], ['a'], 25, { a: '1' }],
    ['none', [stage('a', 30)], [], 25, {}],
  ])('%s', async (_, grants, ids, most, ranks) => {
    await putAll(grants);
    const args = `grants_by_id('ten', $1), $2`;
    const rows = await sql.rowsOf<{ held: string; nth: string }>('ranked_stage_grants', args, [ids, most]);
    expect(Object.fromEntries(rows.map(({ held, nth }) => [/^\(ten,(\w+),/.exec(held)?.[1], nth]))).toEqual(ranks);
  });
});

const host = {
  name: 'host',
  stage_capabilities: ['PUBLISH'],
  stage_ttl_seconds: 600,
  chat_capabilities: ['SEND_MESSAGE'],
  chat_session_minutes: 60,
};
const issuedAt = new Date('2026-07-01T12:00:00.123Z');

describe('record_chat_grant', () => {
  test('writes a pending grant that counts as usable for as long as the limit says', async () => {
    const args = `'ten', 'grt', 'spc', 'ann', 'p-ann', jsonb_populate_record(null::roles, $1), $2, '{"chatConnectSeconds": 90}'`;
    await sql.valueOf('record_chat_grant', args, [host, issuedAt]);
    expect(await sql.query('select * from grants')).toEqual([
      {
        tenant_id: 'ten',
        id: 'grt',
        space_id: 'spc',
        user_id: 'ann',
        ivs_user_id: 'p-ann',
        kind: 'chat',
        role: 'host',
        mint: null,
        signing_key_id: null,
        participant_id: null,
        capabilities: ['SEND_MESSAGE'],
        state: 'pending',
        issued_at: issuedAt,
        checked_at: expect.any(Date),
        expires_at: new Date(issuedAt.getTime() + 90_000),
        session_expires_at: new Date(issuedAt.getTime() + hour),
        turn: expect.any(String),
      },
    ]);
  });
});

describe('record_stage_grant', () => {
  const pending = { state: 'pending', mint: null, participant_id: null, signing_key_id: null };

  test.each<[string, Row | null, Row]>([
    [
      'with an active key',
      { id: 'sgk', state: 'active' },
      { state: 'released', mint: 'key-pair', participant_id: 'p', signing_key_id: 'sgk' },
    ],
    ['with a retiring key', { id: 'sgk', state: 'retiring' }, pending],
    ['with a null row for a key', {}, pending],
    ['with null for a key', null, pending],
  ])('%s', async (_, key, grant) => {
    const args =
      `'ten', 'grt', 'spc', 'ann', 'p-ann', jsonb_populate_record(null::roles, $1), ` +
      `jsonb_populate_record(null::signing_keys, $2), 'p', $3`;
    await sql.valueOf('record_stage_grant', args, [host, key, issuedAt]);
    const expiresAt = new Date(issuedAt.getTime() + 600_000);
    expect(await sql.query('select * from grants')).toEqual([
      {
        tenant_id: 'ten',
        id: 'grt',
        space_id: 'spc',
        user_id: 'ann',
        ivs_user_id: 'p-ann',
        kind: 'stage',
        role: 'host',
        capabilities: ['PUBLISH'],
        issued_at: issuedAt,
        checked_at: expect.any(Date),
        expires_at: expiresAt,
        session_expires_at: expiresAt,
        turn: expect.any(String),
        ...grant,
      },
    ]);
  });
});

describe('refuse_pending_grants', () => {
  const pending = { id: 'a', state: 'pending', role: 'viewer' };
  const before = new Date('2026-07-01T12:00:00Z');
  const ask = { tenant: 'ten', space: null, user: null, before: 'infinity', sparedRoles: [] };

  test.each<[string, Row, Row, boolean]>([
    ['of a user', pending, { user: 'ann' }, true],
    ['of somebody else', { ...pending, user_id: 'ben' }, { user: 'ann' }, false],
    ['of a user, for any space', { ...pending, space_id: 'spc_beside' }, { user: 'ann' }, true],
    ['of a space', pending, { space: 'spc' }, true],
    ['of a space, of any user', { ...pending, user_id: 'ben' }, { space: 'spc' }, true],
    ['of another space', { ...pending, space_id: 'spc_beside' }, { space: 'spc' }, false],
    ['of a user and a space', pending, { user: 'ann', space: 'spc' }, true],
    ['of a user and another space', { ...pending, space_id: 'spc_beside' }, { user: 'ann', space: 'spc' }, false],
    ['of another user and the space', { ...pending, user_id: 'ben' }, { user: 'ann', space: 'spc' }, false],
    ['of another tenant', { ...pending, tenant_id: 'ten_other' }, { user: 'ann' }, false],
    ['issued before', { ...pending, issued_at: new Date(before.getTime() - 1) }, { before }, true],
    ['issued at that moment', { ...pending, issued_at: before }, { before }, false],
    ['of a role that is spared', pending, { space: 'spc', sparedRoles: ['host', 'viewer'] }, false],
    ['of a role that is not spared', pending, { space: 'spc', sparedRoles: ['host'] }, true],
    ['released', { ...pending, state: 'released' }, { user: 'ann' }, false],
    ['watched', { ...pending, state: 'watched' }, { user: 'ann' }, false],
  ])('a grant %s', async (_, grant, asked, refused) => {
    const row = await put(grant);
    expect(await sql.value('refuse_pending_grants', { ...ask, ...asked })).toBe(refused ? 1 : 0);
    expect(await states()).toEqual([[row['tenant_id'], 'a', refused ? 'refused' : row['state']].join(' ')]);
  });

  test('counts all that it refuses', async () => {
    await putAll([pending, { ...pending, id: 'b' }, { ...pending, id: 'c', state: 'refused' }]);
    expect(await sql.value('refuse_pending_grants', { ...ask, user: 'ann' })).toBe(2);
  });
});

describe('seconds_until_tokens_have_left', () => {
  // The window is long, so that the time that the test takes does not matter.
  const asked = { tenant: 'ten', user: 'ann', space: 'spc', limits: limitsWith({ releaseWindowSeconds: 1000 }) };
  const left = { checked_at: inSeconds(0), issued_at: inSeconds(-1) };

  test.each<[string, Row[], Row, boolean]>([
    ['a token that was just decided on', [left], {}, true],
    ['a watched one', [{ ...left, state: 'watched' }], {}, true],
    ['one that was decided on before the clock was set back', [{ ...left, checked_at: inSeconds(90_000) }], {}, true],
    ['one that was decided on long ago', [{ ...left, checked_at: inSeconds(-1001) }], {}, false],
    ['one that is still to be decided on', [{ ...left, state: 'pending' }], {}, false],
    ['one that was refused', [{ ...left, state: 'refused' }], {}, false],
    ['one that is younger than a grant is pending', [{ ...left, issued_at: fromNow(1 - minute) }], {}, true],
    ['one that is older than a grant is pending', [{ ...left, issued_at: fromNow(-minute) }], {}, false],
    ['one for another space', [{ ...left, space_id: 'spc_beside' }], {}, false],
    ['one for any space', [{ ...left, space_id: 'spc_beside' }], { space: null }, true],
    ['one of somebody else', [{ ...left, user_id: 'ben' }], {}, false],
    ['one at another tenant', [{ ...left, tenant_id: 'ten_other' }], {}, false],
    ['nothing', [], {}, false],
  ])('%s', async (_, grants, changed, onItsWay) => {
    await putAll(grants);
    const seconds = await sql.value<number>('seconds_until_tokens_have_left', { ...asked, ...changed });
    if (onItsWay) expect(seconds).toBeGreaterThan(0);
    else expect(seconds).toBe(0);
    // Columns round to milliseconds, also up.
    expect(seconds).toBeLessThanOrEqual(1000.001);
  });

  test('counts from the last of many', async () => {
    await putAll([{ ...left, checked_at: inSeconds(-900) }, left, { ...left, checked_at: inSeconds(-990) }]);
    const seconds = await sql.value('seconds_until_tokens_have_left', asked);
    // The others have 100 seconds left and fewer.
    expect(seconds).toBeGreaterThan(100);
  });

  test('raises an error if a limit is missing', async () => {
    await expect(sql.value('seconds_until_tokens_have_left', { ...asked, limits: {} })).rejects.toThrow(
      'the limit releaseWindowSeconds was not passed',
    );
  });
});

describe('settle_grants', () => {
  const at = (iso: string): Date => new Date(iso);
  const made = {
    id: 'a',
    mint: 'ivs',
    participantId: 'p',
    expiresAt: '2026-07-01T12:00:00Z',
    sessionExpiresAt: '2026-07-01T13:00:00Z',
  };

  async function settle(entries: object[], failed: string[] | null, state = 'released'): Promise<unknown> {
    return await sql.value('settle_grants', { tenant: 'ten', made: JSON.stringify(entries), failed, state });
  }

  test('notes what IVS made', async () => {
    const old = await put({ id: 'a', state: 'pending', mint: null, participant_id: null, checked_at: new Date(0) });
    expect(await settle([made], [])).toBe(1);
    const [row] = await sql.query(
      `select *, checked_at >= date_trunc('milliseconds', now()) as is_checked from grants`,
    );
    expect(row).toEqual({
      ...old,
      state: 'released',
      mint: 'ivs',
      participant_id: 'p',
      signing_key_id: null,
      checked_at: expect.any(Date),
      is_checked: true,
      expires_at: at(made.expiresAt),
      session_expires_at: at(made.sessionExpiresAt),
    });
  });

  test.each(all)('of state %s: only an open grant is settled', async (state) => {
    await putAll([
      { id: 'a', state },
      { id: 'b', state },
      { id: 'a', tenant_id: 'ten_other', state },
    ]);
    const isOpen = ['pending', 'released'].includes(state);
    expect(await settle([made], [])).toBe(isOpen ? 1 : 0);
    expect(await states()).toEqual([`ten a ${isOpen ? 'released' : state}`, `ten b ${state}`, `ten_other a ${state}`]);
  });

  test.each<[string, object[], string[] | null, string, number, string[]]>([
    ['both tokens', [made, { ...made, id: 'b' }], [], 'released', 2, ['ten a released', 'ten b released']],
    [
      'both tokens, which may not leave',
      [made, { ...made, id: 'b' }],
      [],
      'refused',
      2,
      ['ten a refused', 'ten b refused'],
    ],
    ['one token, and none for the other', [made], ['b'], 'released', 1, ['ten a released', 'ten b refused']],
    ['no token', [], ['a', 'b'], 'released', 0, ['ten a refused', 'ten b refused']],
    ['nothing', [], [], 'released', 0, ['ten a pending', 'ten b pending']],
    ['nothing, with a null list', [], null, 'released', 0, ['ten a pending', 'ten b pending']],
    [
      'a grant that is not there',
      [{ ...made, id: 'gone' }],
      ['gone'],
      'released',
      0,
      ['ten a pending', 'ten b pending'],
    ],
  ])('%s', async (_, entries, failed, state, settled, after) => {
    await putAll([
      { id: 'a', state: 'pending' },
      { id: 'b', state: 'pending' },
    ]);
    expect(await settle(entries, failed, state)).toBe(settled);
    expect(await states()).toEqual(after);
  });
});

describe('signing_key_is_needed', () => {
  const after = new Date('2026-07-01T12:00:00Z');

  test.each<[string, Row, boolean]>([
    ['a token that expires later', { expires_at: new Date(after.getTime() + 1) }, true],
    ['a token that expires then', { expires_at: after }, false],
    ['a token of another key', { expires_at: inSeconds(1e6), signing_key_id: 'sgk_other' }, false],
    ['a token that no key signed', { expires_at: inSeconds(1e6), signing_key_id: null }, false],
    ['a token of another tenant', { expires_at: inSeconds(1e6), tenant_id: 'ten_other' }, false],
  ])('%s', async (_, grant, needed) => {
    await put({ signing_key_id: 'sgk', ...grant });
    expect(await sql.value('signing_key_is_needed', { tenant: 'ten', key: 'sgk', after })).toBe(needed);
  });

  test('is not for the service', async () => {
    await sql.becomeService('ten');
    const call = sql.value('signing_key_is_needed', { tenant: 'ten', key: 'sgk', after });
    await expect(call).rejects.toMatchObject({ code: '42501' });
  });
});

describe('sweep_pending_grants', () => {
  test.each<[string, Row, boolean]>([
    ['a grant that has been pending for longer', { issued_at: fromNow(-minute - 1) }, true],
    ['a grant that has been pending for less', { issued_at: fromNow(1 - minute) }, false],
    ['an old grant that is released', { issued_at: fromNow(-hour), state: 'released' }, false],
    ['an old grant that is watched', { issued_at: fromNow(-hour), state: 'watched' }, false],
  ])('%s', async (_, grant, swept) => {
    const { state } = await put({ id: 'a', state: 'pending', ...grant });
    expect(await sql.value('sweep_pending_grants', { olderThan: '1 minute', most: 10 })).toBe(swept ? '1' : '0');
    expect(await states()).toEqual([`ten a ${swept ? 'refused' : String(state)}`]);
  });

  test('serves the service for all tenants', async () => {
    const old = { state: 'pending', issued_at: inSeconds(-90) };
    await putAll([
      { ...old, id: 'a' },
      { ...old, id: 'b', tenant_id: 'ten_other' },
    ]);
    await sql.becomeService();
    expect(await states()).toEqual([]);
    expect(await sql.value('sweep_pending_grants', { olderThan: '1 minute', most: 10 })).toBe('2');
    await sql.query('reset role');
    expect(await states()).toEqual(['ten a refused', 'ten_other b refused']);
  });
});

describe('sweep_pending_grants in steps', () => {
  test('refuses the oldest grants first, and no more than the limit', async () => {
    await putAll([3, 1, 2].map((age) => ({ id: `${age}`, state: 'pending', issued_at: inSeconds(-age * 3600) })));
    const sweep = () => sql.value('sweep_pending_grants', { olderThan: '1 minute', most: 2 });
    expect(await sweep()).toBe('2');
    expect(await states()).toEqual(['ten 1 pending', 'ten 2 refused', 'ten 3 refused']);
    expect(await sweep()).toBe('1');
    expect(await sweep()).toBe('0');
  });
});

describe('unusable_chat_grants', () => {
  const over = { id: 'a', kind: 'chat', ivs_user_id: 'p-ann', state: 'watched', expires_at: inSeconds(-1) };

  test.each<[string, Row, boolean]>([
    ['a watched chat grant whose token cannot connect any more', {}, true],
    ['one whose token can connect', { expires_at: inSeconds(60) }, false],
    ['one that is not watched', { state: 'released' }, false],
    ['one of a stage', { kind: 'stage' }, false],
    ['one under another name at IVS', { ivs_user_id: 'ann' }, false],
    ...Object.entries(beside).map(([what, row]) => [what, row, false] as [string, Row, boolean]),
  ])('%s', async (_, changed, found) => {
    await put({ ...over, ...changed });
    const ids = await sql.value('unusable_chat_grants', {
      tenant: 'ten',
      space: 'spc',
      user: 'ann',
      ivsUser: 'p-ann',
      limits,
    });
    expect(ids).toEqual(found ? ['a'] : []);
  });
});

describe('usable_grants', () => {
  test.each<[string, Row, boolean]>([
    ['a released grant', {}, true],
    ['a watched grant', { state: 'watched' }, true],
    ['a revoked grant of a key pair', { state: 'revoked', mint: 'key-pair' }, true],
    ['a revoked grant of IVS', { state: 'revoked' }, true],
    ['a pending grant', { state: 'pending' }, false],
    ['a grant that expires next', { expires_at: fromNow(1) }, true],
    ['a grant that expires now', { expires_at: fromNow(0) }, false],
    ...Object.entries(beside).map(([what, row]) => [what, row, false] as [string, Row, boolean]),
  ])('%s', async (_, grant, usable) => {
    await put({ id: 'a', ...grant });
    const rows = await sql.call('usable_grants', { tenant: 'ten', user: 'ann', space: 'spc', limits });
    expect(rows).toEqual(usable ? [{ id: 'a', space_id: 'spc' }] : []);
  });

  test('in all spaces', async () => {
    await putAll([{ id: 'a' }, { id: 'b', space_id: 'spc_beside' }]);
    const rows = await sql.call<{ id: string }>('usable_grants', { tenant: 'ten', user: 'ann', space: null, limits });
    expect(rows.map(({ id }) => id).toSorted()).toEqual(['a', 'b']);
  });

  test('is not for the service', async () => {
    await sql.becomeService('ten');
    const call = sql.call('usable_grants', { tenant: 'ten', user: 'ann', space: 'spc', limits });
    await expect(call).rejects.toMatchObject({ code: '42501' });
  });
});

describe('users_in_space', () => {
  const ben = { user_id: 'ben' };

  test.each<[string, Row[], string]>([
    ['nobody', [], '0'],
    ['one user with many grants', [ben, { ...ben, kind: 'chat' }, { ...ben, state: 'pending' }], '1'],
    ['two users', [ben, { user_id: 'cat' }], '2'],
    ['without the user who asks', [ben, {}], '1'],
    ['a pending grant', [{ ...ben, state: 'pending' }], '1'],
    ['a watched grant', [{ ...ben, state: 'watched' }], '0'],
    ['a refused grant', [{ ...ben, state: 'refused' }], '0'],
    ['a revoked grant', [{ ...ben, state: 'revoked' }], '0'],
    ['a grant that expires next', [{ ...ben, session_expires_at: fromNow(1) }], '1'],
    ['a grant that expires now', [{ ...ben, session_expires_at: fromNow(0) }], '0'],
    ['a grant for another space', [{ ...ben, space_id: 'spc_beside' }], '0'],
    ['a grant at another tenant', [{ ...ben, tenant_id: 'ten_other' }], '0'],
  ])('%s', async (_, grants, count) => {
    await putAll(grants);
    expect(await sql.value('users_in_space', { tenant: 'ten', space: 'spc', except: 'ann' })).toBe(count);
  });
});

describe('vends_in_last_minute', () => {
  const ask = { tenant: 'ten', user: 'ann', stage: true, chat: true, most: 30, isDry: false };
  const chat = { kind: 'chat' };

  test.each<[string, Row[], Row, number]>([
    ['nothing', [], {}, 0],
    ['grants of the last minute', [{}, {}], {}, 2],
    ['grants in every state', all.map((state) => ({ state })), {}, 5],
    ['grants for any space', [{}, { space_id: 'spc_beside' }], {}, 2],
    ['a grant that is nearly a minute old', [{ issued_at: fromNow(1 - minute) }], {}, 1],
    ['a grant from before the clock was set back', [{ issued_at: fromNow(60 * minute) }], {}, 0],
    ['a grant that is a minute old', [{ issued_at: fromNow(-minute) }], {}, 0],
    ['the kind that was vended most often: stage', [{}, {}, chat], {}, 2],
    ['the kind that was vended most often: chat', [{}, chat, chat, chat], {}, 3],
    ['stages alone', [{}, chat, chat], { chat: false }, 1],
    ['chat alone', [{}, {}, chat], { stage: false }, 1],
    ['up to the most', [{}, {}, {}, {}], { most: 3 }, 3],
    ['grants of somebody else', [{ user_id: 'ben' }], {}, 0],
    ['grants at another tenant', [{ tenant_id: 'ten_other' }], {}, 0],
  ])('%s', async (_, grants, changed, used) => {
    await putAll(grants.map((grant) => ({ issued_at: fromNow(-1000), ...grant })));
    expect(await sql.call('vends_in_last_minute', { ...ask, ...changed })).toMatchObject([{ used }]);
  });

  test.each<[string, Row[], Row, number | null]>([
    ['the oldest', [{ issued_at: fromNow(-20_000) }, { issued_at: fromNow(-40_000) }], {}, -40_000],
    [
      'the oldest of the counted',
      [{ issued_at: fromNow(-20_000) }, { issued_at: fromNow(-40_000) }],
      { most: 1 },
      -20_000,
    ],
    [
      'the oldest of the kind that frees a place last, if both were vended as often',
      [{ issued_at: fromNow(-40_000) }, { ...chat, issued_at: fromNow(-20_000) }],
      {},
      -20_000,
    ],
  ])('tells when %s was issued', async (_, grants, changed, oldest) => {
    await putAll(grants);
    const [row] = await sql.call<{ oldest: Date }>('vends_in_last_minute', { ...ask, ...changed });
    const [now] = await sql.query<{ now: Date }>('select now()::timestamptz(3) as now');
    // A column keeps milliseconds and rounds, now() is cut off here: they may differ by one.
    expect(Math.abs((row?.oldest.getTime() ?? 0) - (now?.now.getTime() ?? 0) - (oldest ?? 0))).toBeLessThanOrEqual(1);
  });

  test('tells nothing about nothing', async () => {
    expect(await sql.call('vends_in_last_minute', ask)).toEqual([{ used: 0, oldest: null }]);
    expect(await sql.call('vends_in_last_minute', { ...ask, stage: false, chat: false })).toEqual([]);
  });

  test.each<[string, Row, boolean]>([
    ['waits for another vend of the user', {}, true],
    ['does not wait for a vend of somebody else', { user: 'ben' }, false],
    ['does not wait for a vend at another tenant', { tenant: 'ten_other' }, false],
  ])('%s', async (_, changed, waits) => {
    await sql.call('vends_in_last_minute', ask);
    expect(await other.hasToWait(() => other.call('vends_in_last_minute', { ...ask, ...changed }))).toBe(waits);
  });

  test('waits for nobody who has locked the user or the space of the same name', async () => {
    await sql.call('lock_user', { tenant: 'ten', user: 'ann', exclusive: true });
    await sql.call('lock_space', { tenant: 'ten', space: 'ann', exclusive: true });
    expect(await other.hasToWait(() => other.call('vends_in_last_minute', ask))).toBe(false);
  });
});

describe('of a deleted space whose stage a space has adopted again', () => {
  beforeEach(async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_old', stage_arn: null, former_stage_arn: 'stage' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', stage_arn: 'stage' });
    const old = { space_id: 'spc_old', user_id: 'ann', role: 'host', capabilities: ['PUBLISH', 'SEND_MESSAGE'] };
    await putAll([
      { ...old, id: 'a' },
      { ...old, id: 'b', kind: 'chat' },
    ]);
  });

  test.each<[string, SqlArguments]>([
    ['usable_grants', { tenant: 'ten', user: 'ann', space: 'spc', limits }],
    ['granted_roles', { tenant: 'ten', user: 'ann', space: 'spc', limits }],
  ])('%s finds the stage grants', async (name, args) => {
    expect(await sql.call(name, args)).toMatchObject([{ space_id: 'spc_old' }]);
  });

  test('a freezing finds the stage grants', async () => {
    const asked = { tenant: 'ten', space: 'spc', user: null, moderatorRoles: [], limits };
    expect(await sql.value('grants_to_silence', asked)).toEqual(['a']);
  });

  test('their users count for the capacity', async () => {
    expect(await sql.value('users_in_space', { tenant: 'ten', space: 'spc', except: 'ben' })).toBe('1');
  });
});

describe('refuse_grants', () => {
  test.each([
    ['pending', 'refused'],
    ['released', 'refused'],
    ['watched', 'watched'],
    ['revoked', 'revoked'],
  ])('a grant that is %s is %s then', async (before, after) => {
    await putAll([
      { id: 'a', state: before },
      { id: 'b', state: before },
      { id: 'a', tenant_id: 'ten_other', state: before },
    ]);
    await sql.call('refuse_grants', { tenant: 'ten', ids: ['a'] });
    expect(await states()).toEqual([`ten a ${after}`, `ten b ${before}`, `ten_other a ${before}`]);
  });
});

describe('revoke_grants_of_key', () => {
  const of = { signing_key_id: 'sgk', mint: 'key-pair' };
  const step = (from: string | Date = '-infinity', limit = 10) =>
    sql.value<{ revoked: number; from: string }>('revoke_grants_of_key', { tenant: 'ten', key: 'sgk', from, limit });

  test.each<[string, Row, boolean]>([
    ['a released grant', {}, true],
    ['a watched grant', { state: 'watched' }, true],
    ['a refused grant', { state: 'refused' }, false],
    ['a grant that has expired', { expires_at: fromNow(0) }, false],
    ['a grant of another key', { signing_key_id: 'sgk_beside' }, false],
    ['a grant of no key', { signing_key_id: null, mint: 'ivs' }, false],
    ['a grant at another tenant', { tenant_id: 'ten_other' }, false],
  ])('marks %s: %j', async (_, row, isRevoked) => {
    await put({ ...of, ...row });
    expect((await step()).revoked).toBe(isRevoked ? 1 : 0);
    expect((await states()).join()).toMatch(isRevoked ? /revoked$/ : /released$|refused$/);
  });

  test('goes on where the step before has ended, also among grants that expire at the same time', async () => {
    const expiries = [1, 2, 2, 2, 3].map((hours) => ({ ...of, expires_at: fromNow(hours * hour) }));
    await putAll(expiries);
    let from = '-infinity';
    const steps: number[] = [];
    for (let n = 0; n < 4; n++) {
      const done = await step(from, 2);
      steps.push(done.revoked);
      from = done.from;
    }
    expect(steps).toEqual([2, 2, 1, 0]);
  });
});

describe('count_live_tokens_of_key', () => {
  const of = { signing_key_id: 'sgk', mint: 'key-pair' };
  const count = (most = 10) => sql.value('count_live_tokens_of_key', { tenant: 'ten', key: 'sgk', most });

  test.each<[string, Row, number]>([
    ['a released grant', {}, 1],
    ['a pending grant', { state: 'pending' }, 1],
    ['a watched grant', { state: 'watched' }, 1],
    ['a revoked grant', { state: 'revoked' }, 1],
    ['a refused grant', { state: 'refused' }, 0],
    ['a grant that has expired', { expires_at: fromNow(0) }, 0],
    ['a grant of another key', { signing_key_id: 'sgk_beside' }, 0],
    ['a grant of no key', { signing_key_id: null, mint: 'ivs' }, 0],
    ['a grant at another tenant', { tenant_id: 'ten_other' }, 0],
  ])('%s: %j', async (_, row, counted) => {
    await put({ ...of, ...row });
    expect(await count()).toBe(counted);
  });

  test('goes no further than asked for', async () => {
    await putAll([of, of, of]);
    expect([await count(2), await count(3), await count(4)]).toEqual([2, 3, 3]);
  });
});

describe('vends_of_users', () => {
  test('counts for each user as vends_in_last_minute does for one', async () => {
    const chat = { kind: 'chat' };
    await putAll(
      [
        {},
        {},
        chat,
        { issued_at: fromNow(-minute) },
        { issued_at: fromNow(60 * minute) },
        { user_id: 'ben', ...chat, state: 'refused' },
        { tenant_id: 'ten_other' },
        { user_id: 'eve' },
        ...Array.from({ length: 5 }, () => ({ user_id: 'dan', space_id: 'spc_beside' })),
      ].map((grant) => ({ issued_at: fromNow(-1000), ...grant })),
    );
    const users = ['ann', 'ben', 'cleo', 'dan'];
    const counted = await sql.call('vends_of_users', { tenant: 'ten', users, most: 3 });
    expect(counted).toEqual([
      { user_id: 'ann', stage: 2, chat: 1 },
      { user_id: 'ben', stage: 0, chat: 1 },
      { user_id: 'cleo', stage: 0, chat: 0 },
      { user_id: 'dan', stage: 3, chat: 0 },
    ]);
    for (const row of counted) {
      for (const kind of ['stage', 'chat']) {
        const asked = {
          tenant: 'ten',
          user: String(row['user_id']),
          stage: kind === 'stage',
          chat: kind === 'chat',
          most: 3,
          isDry: false,
        };
        expect(await sql.call('vends_in_last_minute', asked)).toMatchObject([{ used: row[kind] }]);
      }
    }
  });
});

describe('record_grants', () => {
  test.each(['active', 'retiring', undefined])(
    'records what the functions for one vend record, with a key: %s',
    async (state) => {
      await sql.insert('tenants', { id: 'ten' });
      for (const name of ['host', 'viewer']) {
        await sql.insert('roles', { tenant_id: 'ten', name, stage_ttl_seconds: name === 'host' ? 60 : 900 });
      }
      if (state !== undefined) await sql.insert('signing_keys', { tenant_id: 'ten', id: 'sgk', state });
      const vends = [
        {
          space_id: 'spc',
          user_id: 'ann',
          ivs_user: 'p-ann',
          role: 'host',
          participant: 'p1',
          stage_grant: 'grt_1',
          chat_grant: 'grt_2',
        },
        {
          space_id: 'spc',
          user_id: 'ben',
          ivs_user: 'p-ben',
          role: 'viewer',
          participant: 'p2',
          stage_grant: 'grt_3',
          chat_grant: null,
        },
        {
          space_id: 'spc_b',
          user_id: 'cleo',
          ivs_user: 'p-cleo',
          role: 'viewer',
          participant: 'p3',
          stage_grant: null,
          chat_grant: 'grt_4',
        },
      ];
      const key = `(select k from public.signing_keys as k)`;
      const at = `timestamptz '2030-01-01T00:00:00Z'`;
      const recorded = async () =>
        await sql.query(
          `delete from grants where issued_at = ${at} returning to_jsonb(grants) - '{turn,checked_at}'::text[] as row`,
        );
      const limit = limitsWith({ chatConnectSeconds: 90 });
      await sql.rowsOf('record_grants', `'ten', $1, array(select r from public.roles as r), ${key}, ${at}, $2`, [
        JSON.stringify(vends),
        limit,
      ]);
      const together = await recorded();
      for (const one of vends) {
        const who = [one.space_id, one.user_id, one.ivs_user];
        const role = `(select r from public.roles as r where name = '${one.role}')`;
        if (one.stage_grant)
          await sql.rowsOf('record_stage_grant', `'ten', $1, $2, $3, $4, ${role}, ${key}, $5, ${at}`, [
            one.stage_grant,
            ...who,
            one.participant,
          ]);
        if (one.chat_grant)
          await sql.rowsOf('record_chat_grant', `'ten', $1, $2, $3, $4, ${role}, ${at}, $5`, [
            one.chat_grant,
            ...who,
            limit,
          ]);
      }
      const inOrder = (rows: Row[]) => rows.map(({ row }) => JSON.stringify(row)).sort();
      expect(inOrder(together)).toEqual(inOrder(await recorded()));
      expect(together).toHaveLength(4);
    },
  );
});

describe('settle_vends', () => {
  const times = { expiresAt: '2999-01-01T00:00:00Z', sessionExpiresAt: '2999-01-01T01:00:00Z' };
  const made = [
    { nth: 4, id: 'a', mint: 'ivs', participantId: 'p', ...times },
    { nth: 4, id: 'b', ...times },
    { nth: 7, id: 'c', mint: 'key-pair', participantId: 'q', signingKeyId: 'sgk', ...times },
  ];
  const settle = (session = sql) =>
    session.value<number[]>('settle_vends', { tenant: 'ten', made: JSON.stringify(made) });

  test.each<[string, Row, number[]]>([
    ['open', {}, [4, 7]],
    ['refused', { state: 'refused' }, [7]],
    ['watched', { state: 'watched' }, [7]],
    ['of another tenant', { tenant_id: 'ten_other' }, [7]],
  ])('settles vends whose grants are all open: one is %s', async (_, second, settled) => {
    const open = { state: 'pending', mint: null, participant_id: null };
    await putAll([
      { ...open, id: 'a' },
      { ...open, id: 'b', kind: 'chat', ...second },
      { ...open, id: 'c' },
      { ...open, id: 'd' },
    ]);
    expect((await settle()).toSorted((a, b) => a - b)).toEqual(settled);
    const released = await sql.query(
      `select id, mint, participant_id, signing_key_id from grants where state = 'released' order by id`,
    );
    expect(released).toEqual([
      ...(settled.includes(4)
        ? [
            { id: 'a', mint: 'ivs', participant_id: 'p', signing_key_id: null },
            { id: 'b', mint: null, participant_id: null, signing_key_id: null },
          ]
        : []),
      { id: 'c', mint: 'key-pair', participant_id: 'q', signing_key_id: 'sgk' },
    ]);
  });

  test('settles nothing if nothing was made', async () => {
    expect(await sql.value('settle_vends', { tenant: 'ten', made: '[]' })).toEqual([]);
  });
});

describe('lock_open_grants', () => {
  const lock = (session = sql) => session.value('lock_open_grants', { tenant: 'ten', ids: ['a', 'b'] });

  test.each<[string, Row, boolean]>([
    ['open', {}, true],
    ['released', { state: 'released' }, true],
    ['refused', { state: 'refused' }, false],
    ['watched', { state: 'watched' }, false],
    ['of another tenant', { tenant_id: 'ten_other' }, false],
  ])('says whether all are open: one is %s', async (_, second, all) => {
    await putAll([
      { id: 'a', state: 'pending' },
      { id: 'b', state: 'pending', ...second },
    ]);
    expect(await lock()).toBe(all);
  });

  test('locks them, and waits for nobody who has locked one', async () => {
    await putAll(['a', 'b'].map((id) => ({ id, state: 'pending' })));
    await sql.commit();
    try {
      await sql.begin();
      await other.query(`select from grants where id = 'b' for update`);
      expect(await sql.hasToWait(async () => expect(await lock()).toBe(false))).toBe(false);
      await other.rollback();
      await other.begin();
      expect(await lock()).toBe(true);
      expect(await lock(other)).toBe(false);
    } finally {
      await sql.rollback();
      await other.rollback();
      await sql.query(`delete from grants where tenant_id = 'ten'`);
      await sql.begin();
      await other.begin();
    }
  });
});

describe('drop_old_grants', () => {
  const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * hour);
  const ended = (hours: number) => ({ expires_at: at(hours), session_expires_at: at(hours) });
  const drop = async (most = 10, after = new Date(0), before = at(10)) => {
    const [step] = await sql.call('drop_old_grants', { tenant: 'ten', before, after, most });
    return [Number(step?.['dropped']), step?.['reached'] ?? null];
  };
  const left = async () => (await sql.query('select id from grants order by id')).map(({ id }) => id);

  test('deletes what expired before a time, in steps that say how far they have come', async () => {
    await putAll([
      { id: 'a', ...ended(1) },
      { id: 'b', ...ended(2) },
      { id: 'c', ...ended(2) },
      { id: 'd', ...ended(3), state: 'refused' },
      { id: 'e', ...ended(10) },
      { id: 'f', ...ended(1), tenant_id: 'ten_other' },
    ]);
    expect(await drop(2)).toEqual([3, at(2)]); // all that expired at the same time go together
    expect(await left()).toEqual(['d', 'e', 'f']);
    expect(await drop(2, at(2))).toEqual([1, null]);
    expect(await left()).toEqual(['e', 'f']);
  });

  test('keeps a grant that is held, that a delivery is about, or whose session goes on, and passes over it', async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act' });
    await putAll(['free', 'held', 'left', 'told', 'within'].map((id) => ({ id, ...ended(1) })));
    await sql.query(`update grants set session_expires_at = $1 where id = 'within'`, [at(11)]);
    await sql.insert('holds', { tenant_id: 'ten', grant_id: 'held', action_id: 'act', space_id: 'spc' });
    const about = { tenant_id: 'ten', action_id: 'act', space_id: 'spc', grant_id: 'told', state: 'done' };
    await sql.insert('deliveries', about);
    expect(await drop()).toEqual([2, null]);
    expect(await left()).toEqual(['held', 'told', 'within']);
    await sql.query('delete from holds');
    await sql.query('delete from deliveries');
    expect(await drop(1)).toEqual([2, at(1)]);
    expect(await left()).toEqual(['within']);
  });

  test('reads an index, and the deletion of a grant does too', async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.query(`insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state, expires_at, session_expires_at)
      select 'ten', 'grt_' || n, 'spc', 'ann', 'ann', 'stage', 'viewer', '{}', 'released', now() - interval '1 day', now() - interval '1 day'
        from generate_series(1, 2000) n`);
    await sql.query('analyze grants');
    await sql.query('set local enable_seqscan = off');
    const plan = async (text: string) =>
      (await sql.query(`explain (costs off) ${text}`)).map((row) => String(row['QUERY PLAN'])).join('\n');
    // As the foreign key asks for each grant that is deleted.
    expect(
      await plan(`select from only deliveries x where tenant_id = 'ten' and grant_id = 'grt' for key share of x`),
    ).toContain('deliveries_of_grant');
    expect(
      await plan(`select id from grants where tenant_id = 'ten' and expires_at > 'epoch' and expires_at < now()
                   order by expires_at limit 1000`),
    ).toContain('grants_expiring');
  });
});

describe('restore_grants', () => {
  const restore = async (changed: Row = {}) => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc' });
    await put({ id: 'grt', state: 'watched', mint: 'key-pair', signing_key_id: 'sgk', ...changed });
    const [{ lost } = {}] = await sql.query('select jsonb_agg(to_jsonb(g)) as lost from grants as g');
    await sql.query('delete from grants');
    const args = { tenant: 'ten', grants: JSON.stringify(lost) };
    await sql.call('restore_grants', args);
    await sql.call('restore_grants', args); // a row that is known stays as it is
    return { lost: (lost as Row[])[0], found: await sql.query('select to_jsonb(g) as row from grants as g') };
  };

  test('puts a grant back as it was, but released: who acts against it holds it anew', async () => {
    const { lost, found } = await restore();
    expect(found).toEqual([
      { row: { ...lost, state: 'released', checked_at: expect.any(String), turn: expect.any(Number) } },
    ]);
  });

  test.each<[string, Row, boolean]>([
    ['a grant that is over', { session_expires_at: inSeconds(-1) }, false],
    ['a grant that never had a token', { state: 'pending' }, false],
    ['a grant that was revoked', { state: 'revoked' }, false],
    ['a grant for a space that is not there', { space_id: 'spc_gone' }, false],
    ['a grant that was released', { state: 'released' }, true],
  ])('%s', async (_, row, isRestored) => {
    expect((await restore(row)).found).toHaveLength(isRestored ? 1 : 0);
  });

  test('has the user counted anew in a space with a capacity', async () => {
    const { id } = await sql.insert('place_counts', {
      tenant_id: 'ten',
      space_id: 'spc',
      space_updated_at: inSeconds(0),
    });
    await sql.insert('place_sources', { tenant_id: 'ten', space_id: 'spc', count_id: id });
    await restore();
    expect(await sql.query('select user_id from place_notes')).toEqual([{ user_id: 'ann' }]);
  });
});

describe('drop_grants_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const fill = async (tenant_id: string) => {
      for (const id of ['grt', 'grt_b']) await sql.insert('grants', { tenant_id, id, space_id: 'spc' });
      await sql.insert('untold_grants', { tenant_id, grant_id: 'grt' });
      const count = await sql.insert('place_counts', { tenant_id, space_id: 'spc', space_updated_at: inSeconds(0) });
      const of = { tenant_id, count_id: count['id'] };
      await sql.insert('place_sources', { ...of, space_id: 'spc' });
      await sql.insert('places', { ...of, user_id: 'ann', until: inSeconds(60) });
      await sql.insert('place_notes', { ...of, user_id: 'ann' });
    };
    const tables = ['untold_grants', 'place_notes', 'places', 'place_sources', 'place_counts', 'grants'];
    await expectDropped(sql, tables, fill, (args) => sql.value('drop_grants_of_tenant', args));
  });
});

describe('grant_is_over', () => {
  const over = {
    tenant_id: 'ten',
    id: 'grt_x',
    space_id: 'spc',
    expires_at: inSeconds(-1),
    session_expires_at: inSeconds(-1),
  };

  test.each<[string, object, boolean]>([
    ['expired', {}, true],
    ['of a token that can still be used', { expires_at: inSeconds(60) }, false],
    ['of a session that lasts longer than the token', { session_expires_at: inSeconds(60) }, false],
    ['pending', { state: 'pending' }, false],
    ['refused', { state: 'refused' }, true],
  ])('a grant %s', async (_, row, isOver) => {
    await sql.insert('grants', { ...over, ...row });
    expect(await sql.valueOf('grant_is_over', `(select g from grants as g where g.id = 'grt_x')`)).toBe(isOver);
  });
});

describe('grants_in_space', () => {
  test('returns those that anybody may be inside with, the newest of each user first', async () => {
    await sql.insert('tenants', { id: 'ten_in' });
    await sql.insert('spaces', { tenant_id: 'ten_in', id: 'spc_in' });
    await sql.insert('spaces', { tenant_id: 'ten_in', id: 'spc_out' });
    const put = (id: string, row: object) =>
      sql.insert('grants', { tenant_id: 'ten_in', space_id: 'spc_in', id, ...row });
    await put('old', { issued_at: inSeconds(-90) });
    await put('new', { issued_at: inSeconds(-30) });
    await put('ben', { user_id: 'ben', issued_at: inSeconds(-60) });
    await put('chat', { kind: 'chat', participant_id: null, mint: null, issued_at: inSeconds(-20) });
    await put('over', {
      kind: 'chat',
      participant_id: null,
      mint: null,
      expires_at: inSeconds(-9),
      session_expires_at: inSeconds(-1),
    });
    await put('refused', { state: 'refused' });
    await put('elsewhere', { space_id: 'spc_out' });
    const ids = await sql.value('grants_in_space', { tenant: 'ten_in', space: 'spc_in', limits: limitsWith({}) });
    expect(ids).toEqual(['new', 'ben', 'chat', 'old']);
  });
});

describe('erase_grants', () => {
  test('puts the name into grants that are over, and counts what has to wait', async () => {
    await sql.insert('tenants', { id: 'ten_e' });
    const put = (id: string, row: object) => sql.insert('grants', { tenant_id: 'ten_e', space_id: 'spc', id, ...row });
    const over = { expires_at: inSeconds(-1), session_expires_at: inSeconds(-1) };
    await put('a_over', { ...over, issued_at: inSeconds(-90) });
    await put('b_usable', { issued_at: inSeconds(-60) });
    await put('c_of_another', { ...over, user_id: 'ben', ivs_user_id: 'ben' });
    const count = await sql.insert('place_counts', {
      tenant_id: 'ten_e',
      space_id: 'spc',
      space_updated_at: inSeconds(0),
    });
    await sql.insert('places', { tenant_id: 'ten_e', count_id: count['id'], user_id: 'ann', until: inSeconds(60) });
    await sql.insert('place_notes', { tenant_id: 'ten_e', count_id: count['id'], user_id: 'ann' });
    const args = { tenant: 'ten_e', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_grants', args)).toEqual([{ changed: '1', waiting: '3', reached: null }]);
    expect(await sql.query(`select user_id, ivs_user_id from grants where tenant_id = 'ten_e' order by id`)).toEqual([
      { user_id: 'erased:x', ivs_user_id: 'erased:x' },
      { user_id: 'ann', ivs_user_id: 'ann' },
      { user_id: 'ben', ivs_user_id: 'ben' },
    ]);
    const [step] = await sql.call('erase_grants', { ...args, most: 1 });
    expect(step?.['reached']).toEqual(expect.any(String));
    expect(await sql.call('erase_grants', { ...args, after: step?.['reached'] as string })).toEqual([
      { changed: '0', waiting: '2', reached: null },
    ]);
  });
});

describe('has_grants_in_space', () => {
  test('tells of the space, and of no other', async () => {
    for (const tenant_id of ['t', 't_other']) {
      await sql.insert('tenants', { id: tenant_id });
      for (const id of ['full', 'empty']) await sql.insert('spaces', { tenant_id, id });
    }
    await sql.insert('grants', { tenant_id: 't', space_id: 'full' });
    const has = (tenant: string, space: string) => sql.value('has_grants_in_space', { tenant, space });
    expect([await has('t', 'full'), await has('t', 'empty'), await has('t_other', 'full')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('live_grants', () => {
  const live = async (kinds: string[], but: string | null = null) => {
    const args = { tenant: 'ten', space: 'spc', user: 'ann', kinds, but, limits };
    return (await sql.call('live_grants', args)).map(({ id }) => id);
  };

  test('lists those that could be used, the newest first, and reads no others', async () => {
    await sql.insert('tenants', { id: 'ten' });
    for (const id of ['spc', 'spc_b']) await sql.insert('spaces', { tenant_id: 'ten', id });
    await putAll([
      { id: 'made', state: 'pending', participant_id: null, issued_at: inSeconds(-1) },
      { id: 'stage', participant_id: 'p', issued_at: inSeconds(-2) },
      { id: 'chat', kind: 'chat', participant_id: null, expires_at: inSeconds(-1), issued_at: inSeconds(-3) },
      { id: 'over', session_expires_at: inSeconds(-1), expires_at: inSeconds(-1) },
      { id: 'refused', state: 'refused' },
      { id: 'revoked', state: 'revoked' },
      { id: 'watched', state: 'watched' },
      { id: 'beside', space_id: 'spc_b' },
      { id: 'ben', user_id: 'ben' },
    ]);
    expect(await live(['stage', 'chat'])).toEqual(['made', 'stage', 'chat']);
    expect(await live(['chat'])).toEqual(['chat']);
    expect(await live(['stage'], 'p')).toEqual(['made']);
  });

  test('lists those of a deleted space whose stage this one has adopted', async () => {
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc', stage_arn: 'stage' });
    await sql.insert('spaces', {
      tenant_id: 'ten',
      id: 'spc_b',
      stage_arn: null,
      room_arn: null,
      former_stage_arn: 'stage',
      deleted_at: inSeconds(-1),
    });
    await putAll([
      { id: 'stage', space_id: 'spc_b' },
      { id: 'chat', space_id: 'spc_b', kind: 'chat' },
    ]);
    expect(await live(['stage', 'chat'])).toEqual(['stage']);
  });
});
