/** The small functions about deliveries. Those that lease and finish them have files of their own. */
import { limits } from '../../src/limits.ts';
import {
  deliveries,
  expectRefusedToService,
  hours,
  inHours,
  insertDelivery,
  insertGrant,
  insertHold,
  insertTwoTenants,
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
const account = 'own us-east-1';
const operation = 'DisconnectParticipant';
const lookedAt = '2030-01-01T00:00:00.000Z';
const beforeLook = '2029-12-31T23:59:59.999Z';
const afterLook = '2030-01-01T00:00:00.001Z';

/** Every state of a delivery, and whether it is still to be made. */
const states: [string, boolean][] = [
  ['pending', true],
  ['stuck', true],
  ['done', false],
  ['not_connected', false],
  ['expired', false],
];

describe('add_delivery', () => {
  const request = {
    tenant: 'ten',
    action: 'act',
    space: 'spc',
    operation: 'DeleteMessage',
    arn: 'room',
    target: 'message',
    grant: null as string | null,
    parameters: { reason: 'spam' } as Row,
    for: '2 hours' as string | null,
  };
  const add = (changed: Partial<typeof request> = {}) => sql.call('add_delivery', { ...request, ...changed });

  test('writes a call that is due now and that is tried for some time', async () => {
    await insertGrant(sql, { id: 'grt' });
    await add({ grant: 'grt' });
    const columns = 'action_id, space_id, account, operation, arn, target, grant_id, parameters, state, follow_up';
    expect(
      await sql.query(
        `select ${columns}, ${hours('next_at')} as next, ${hours('needed_until')} as needed from deliveries`,
      ),
    ).toEqual([
      {
        action_id: 'act',
        space_id: 'spc',
        account,
        operation: 'DeleteMessage',
        arn: 'room',
        target: 'message',
        grant_id: 'grt',
        parameters: { reason: 'spam' },
        state: 'pending',
        follow_up: false,
        next: 0,
        needed: 2,
      },
    ]);
  });

  test.each(states)('writes nothing if the action has the same call already, %s', async (state) => {
    await add();
    await sql.query('update deliveries set state = $1', [state]);
    await add({ parameters: { reason: 'other' }, for: '9 hours' });
    expect(await deliveries(sql)).toEqual(['DeleteMessage message']);
  });

  test.each<[string, Partial<typeof request>]>([
    ['another action', { action: 'act_beside' }],
    ['another operation', { operation: 'SendEvent' }],
    ['another room', { arn: 'room_beside' }],
    ['another target', { target: 'message_beside' }],
    ['another tenant', { tenant: 'ten_other' }],
  ])('writes a call beside one with %s', async (_, changed) => {
    await add(changed);
    await add();
    expect(await list(sql, 'select count(*)::int from deliveries')).toEqual([2]);
  });

  test('writes nothing for a tenant that is not there', async () => {
    await add({ tenant: 'ten_gone' });
    expect(await list(sql, 'select id from deliveries')).toEqual([]);
  });

  test.each<[string, Partial<typeof request>, string]>([
    ['an operation that does not exist', { operation: 'Shout' }, '23514'],
    ['an action that is not there', { action: 'act_gone' }, '23503'],
    ['no length of time', { for: null }, '23502'],
  ])('refuses %s', async (_, changed, code) => {
    await expect(add(changed)).rejects.toMatchObject({ code });
  });
});

/** Arguments of a function that acts on grants: all grants of `ten`. */
const allGrants = `'ten', 'act', array(select g from public.grants g where tenant_id = 'ten' order by id)`;

describe('add_stage_disconnects', () => {
  const add = (keepOut: boolean, reason: string | null = null, until: Date | null = null, given: Row = limits) =>
    sql.valueOf('add_stage_disconnects', `${allGrants}, $1, $2, $3, $4`, [
      keepOut,
      reason,
      until,
      JSON.stringify(given),
    ]);
  const past = { expires_at: inHours(-1) };

  test.each<[string, Row, string[]]>([
    ['an unexpired token', {}, ['part']],
    ['a token that has expired: its holder may still be inside', past, ['part']],
    ['a token without a participant', { participant_id: null }, []],
    ['a chat token', { kind: 'chat' }, []],
    ['a token for a stage that is gone', { space_id: 'spc_bare' }, []],
  ])('on %s', async (_, grant, targets) => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_bare', stage_arn: null });
    await insertGrant(sql, { participant_id: 'part', ...grant });
    await add(true);
    expect(await list(sql, 'select target from deliveries')).toEqual(targets);
  });

  test.each([
    ['of a hoard the newest alone, to keep the user out', true, ['new', 'second']],
    ['every unexpired token of a hoard, to disconnect once', false, ['new', 'second', 'third']],
  ])('disconnects %s', async (_, keepOut, targets) => {
    const hoard: [string, Row][] = [
      ['new', {}],
      ['second', {}],
      ['third', {}],
      ['old', past],
    ];
    for (const [nth, [participant, row]] of hoard.entries()) {
      await insertGrant(sql, { participant_id: participant, issued_at: inHours(-2 - nth), ...row });
    }
    await add(keepOut, null, null, limitsWith({ disconnectsPerUser: 2 }));
    expect(await list(sql, 'select target from deliveries order by id')).toEqual(targets);
  });

  test('cuts the reason, puts publishers first, and tries no longer than a participant can stay or the ban lasts', async () => {
    await insertGrant(sql, { id: 'grt_1', user_id: 'ann', capabilities: ['PUBLISH'], expires_at: inHours(1) });
    await insertGrant(sql, { id: 'grt_2', user_id: 'ben', expires_at: inHours(9) });
    const given = limitsWith({ stageReasonLength: 3, stageStaySeconds: 2 * 3600 });
    await add(true, 'abcdef', new Date(Date.now() + 5 * 3_600_000), given);
    expect(
      await sql.query(
        `select grant_id, priority, parameters, ${hours('needed_until')} as needed from deliveries order by grant_id`,
      ),
    ).toEqual([
      { grant_id: 'grt_1', priority: 0, parameters: { reason: 'abc' }, needed: 3 },
      { grant_id: 'grt_2', priority: 1, parameters: { reason: 'abc' }, needed: 5 },
    ]);
  });
});

describe('add_room_disconnects', () => {
  const add = (followUp: boolean, reason: string | null = null, until: Date | null = null, given: Row = limits) =>
    sql.valueOf('add_room_disconnects', `${allGrants}, $1, $2, $3, $4`, [
      followUp,
      reason,
      until,
      JSON.stringify(given),
    ]);
  const chat = { kind: 'chat', expires_at: inHours(1), session_expires_at: inHours(3) };

  test.each<[string, Row, number, number]>([
    ['an unused token', chat, 1, 1],
    ['a token that was used', { ...chat, expires_at: inHours(-1) }, 1, 0],
    ['a token whose session is over', { ...chat, expires_at: inHours(-2), session_expires_at: inHours(-1) }, 0, 0],
    ['a stage token', { ...chat, kind: 'stage' }, 0, 0],
    ['a token for a room that is gone', { ...chat, space_id: 'spc_bare' }, 0, 0],
  ])('on %s', async (_, grant, first, second) => {
    await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_bare', room_arn: null });
    await insertGrant(sql, grant);
    await add(false);
    expect(await deliveries(sql)).toHaveLength(first);
    await sql.query('delete from deliveries');
    await add(true);
    expect(await deliveries(sql)).toEqual(Array.from({ length: second }, () => 'DisconnectUser ann later'));
  });

  test('names a user once for each room', async () => {
    for (const row of [{}, {}, { space_id: 'spc_beside' }, { ivs_user_id: 'ben', user_id: 'ben' }]) {
      await insertGrant(sql, { ...chat, ...row });
    }
    await add(false);
    expect(await list(sql, `select arn || ' ' || target from deliveries order by 1`)).toEqual([
      'room:spc ann',
      'room:spc ben',
      'room:spc_beside ann',
    ]);
  });

  test.each([
    ['the first call now, for as long as a session lasts', false, null, { priority: 1, next: 0, since: 0, needed: 4 }],
    ['the second call later, after all others', true, null, { priority: 2, next: 2, since: 2, needed: 4 }],
    ['a call until the ban ends at the latest', true, 2, { priority: 2, next: 2, since: 2, needed: 2 }],
  ])('writes %s', async (_, followUp, until, times) => {
    await insertGrant(sql, chat);
    const end = until === null ? null : new Date(Date.now() + until * 3_600_000);
    await add(
      followUp,
      'abcdef',
      end,
      limitsWith({ chatLateSeconds: 3600, followUpSeconds: 3600, chatReasonLength: 4 }),
    );
    expect(
      await sql.query(
        `select priority, parameters, ${hours('next_at')} as next, ${hours('needed_since')} as since,
                ${hours('needed_until')} as needed from deliveries`,
      ),
    ).toEqual([{ ...times, parameters: { reason: 'abcd', userId: 'ann' } }]);
  });
});

describe('add_found_disconnects', () => {
  const add = (connected: Row | null, given: Row = limits) =>
    sql.value<number>('add_found_disconnects', { tenant: 'ten', space: 'spc', lookedAt, connected, limits: given });
  const hold = (row: Row = {}) => insertHold(sql, { participant_id: 'part', watch_from: beforeLook, ...row });
  const viewer = { part: { userId: 'ann', publishing: false } };
  const publisher = { part: { userId: 'ann', publishing: true } };

  test.each<[string, Row | null, number]>([
    ['a participant who should be gone', viewer, 1],
    ['somebody else', { other: { userId: 'ben', publishing: true } }, 0],
    ['nobody', {}, 0],
    ['nothing', null, 0],
  ])('that found %s', async (_, connected, count) => {
    await hold();
    expect(await add(connected)).toBe(count);
    expect(await deliveries(sql)).toHaveLength(count);
  });

  test.each<[string, Row, number]>([
    ['is open', {}, 0],
    ['is stuck', { state: 'stuck' }, 0],
    ['was done after the look', { state: 'done', done_at: afterLook }, 0],
    ['was done before the clock was set back', { state: 'done', done_at: '2030-01-01T01:00:00Z' }, 1],
    ['was done at the time of the look', { state: 'done', done_at: lookedAt }, 1],
    ['was done before the look', { state: 'done', done_at: beforeLook }, 1],
    ['found nobody after the look', { state: 'not_connected', done_at: afterLook }, 1],
    ['has expired', { state: 'expired', done_at: afterLook }, 1],
    ['is open for another action', { action_id: 'act_beside' }, 0],
    ['is open for another participant', { target: 'part_beside' }, 1],
    ['is open on another stage', { space_id: 'spc_beside' }, 1],
    ['is open in another tenant', others, 1],
    ['is open and of another kind', { operation: 'DisconnectUser' }, 1],
  ])('beside a call that %s', async (_, delivery, count) => {
    await hold();
    await insertDelivery(sql, { target: 'part', ...delivery });
    expect(await add(viewer)).toBe(count);
  });

  test('writes a call with everything that IVS and the delivery need', async () => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_told', reason: 'abcdef' });
    await hold({ action_id: 'act_told' });
    await add(publisher, limitsWith({ stageReasonLength: 3, stageStaySeconds: 3 * 3600 }));
    const columns = 'action_id, space_id, account, operation, arn, target, grant_id, priority, parameters, follow_up';
    expect(await sql.query(`select ${columns}, ${hours('needed_until')} as needed from deliveries`)).toEqual([
      {
        action_id: 'act_told',
        space_id: 'spc',
        account,
        operation,
        arn: 'stage:spc',
        target: 'part',
        grant_id: 'grt',
        priority: 0,
        parameters: { reason: 'abc' },
        follow_up: false,
        needed: 3,
      },
    ]);
  });

  test.each([
    ['those who publish', publisher, 0],
    ['those who do not', viewer, 1],
    ['those of whom it is not known', { part: { userId: 'ann' } }, 1],
  ])('puts %s in their place', async (_, connected, priority) => {
    await hold();
    await add(connected);
    expect(await list(sql, 'select priority from deliveries')).toEqual([priority]);
  });

  test.each([
    ['longer than a call takes', 13, 1],
    ['no longer than a call takes: it could arrive after the ban', 12, 0],
  ])('writes a call if the ban lasts %s', async (_, seconds, count) => {
    await hold({ until: inSeconds(seconds) });
    await add(viewer, limitsWith({ callLandsSeconds: 12 }));
    expect(await deliveries(sql)).toHaveLength(count);
  });

  test('tries until the ban ends at the latest', async () => {
    await hold({ until: inHours(2) });
    await add(viewer);
    expect(await list(sql, `select ${hours('needed_until')} from deliveries`)).toEqual([2]);
  });

  test('writes one call for each participant, also for those who came in by other ways', async () => {
    await hold({ watch_for: 'banned' });
    await hold({ grant_id: 'grt_2', participant_id: 'part_2' });
    expect(await add({ ...viewer, part_2: { userId: 'ann' }, part_3: { userId: 'ann' } })).toBe(3);
    expect(await list(sql, `select concat_ws(' ', target, grant_id) from deliveries order by 1`)).toEqual([
      'part grt',
      'part_2 grt_2',
      'part_3',
    ]);
  });
});

describe('last_call_of_ban', () => {
  test.each([
    ['so long before the end as a call takes', 10, 2, 8],
    ['in the first half of a short ban', 10, 8, 5],
    ['never for a ban without an end', null, 2, null],
  ])('is %s', async (_, end, lands, last) => {
    const [row] = await sql.rowsOf(
      'last_call_of_ban',
      `clock_timestamp() + make_interval(hours => $1), jsonb_build_object('callLandsSeconds', $2::integer)`,
      [end, lands * 3600],
    );
    expect(row?.['result'] === null ? null : Math.round((Number(row?.['result']) - Date.now()) / 3_600_000)).toBe(last);
  });
});

/** A DisconnectUser, and whether and when it may hit the user `ann` in the room `room`, in hours. */
const roomCalls: [string, Row, number | null][] = [
  ['that is due', {}, 0],
  ['that is repeated later', { next_at: inHours(2) }, 2],
  ['that IVS refuses, and that is repeated later', { next_at: inHours(2), state: 'stuck' }, 2],
  ['that follows later', { next_at: inHours(2), follow_up: true }, 2],
  ['that was made', { state: 'done' }, null],
  ['that was made, when IVS may still carry out an earlier one', { state: 'done', lands_until: inHours(2) }, 2],
  ['that was cancelled, when IVS may still carry it out', { state: 'expired', lands_until: inHours(2) }, 2],
  ['that was cancelled', { state: 'expired', lands_until: inHours(-2) }, null],
  ['that is not needed any more', { needed_until: inHours(-1) }, null],
  ['for another user', { target: 'ben' }, null],
  ['in another room', { arn: 'room_beside' }, null],
  ['of another kind', { operation: 'DeleteMessage' }, null],
  ['at another tenant', others, null],
];
const inRoom = { operation: 'DisconnectUser', arn: 'room', target: 'ann' };

describe('seconds_until_disconnected', () => {
  const asked = { tenant: 'ten', room: 'room', ivsUser: 'ann', butActions: [], butRefusedKicks: false };

  test.each(roomCalls)('with a call %s', async (_, row, hoursLeft) => {
    await insertDelivery(sql, { ...inRoom, ...row });
    const seconds = await sql.value<number | null>('seconds_until_disconnected', asked);
    expect(seconds === null ? null : Math.round(seconds / 3600)).toBe(hoursLeft);
  });

  test.each(roomCalls)('leaves out the actions that it is told to: with a call %s', async (_, row) => {
    await insertDelivery(sql, { ...inRoom, ...row });
    expect(await sql.value('seconds_until_disconnected', { ...asked, butActions: ['act'] })).toBeNull();
  });

  test('is the time of the last of several calls', async () => {
    for (const row of [{}, { next_at: inHours(3), follow_up: true }, { next_at: inHours(2) }]) {
      await insertDelivery(sql, { ...inRoom, ...row });
    }
    expect(Math.round((await sql.value<number>('seconds_until_disconnected', asked)) / 3600)).toBe(3);
  });
});

describe('users_with_disconnects', () => {
  const asked = { tenant: 'ten', rooms: ['room', 'room', 'room_beside'], ivsUsers: ['ben', 'ann', 'ann'] };

  test.each(roomCalls)(
    'names whomever seconds_until_disconnected has a time for: with a call %s',
    async (_, row, hoursLeft) => {
      await insertDelivery(sql, { ...inRoom, ...row });
      const users = await sql.value<string[]>('users_with_disconnects', asked);
      if (hoursLeft !== null) expect(users).toEqual(['ann']);
    },
  );

  test.each<[string, Row, string[]]>([
    ['a call that is open', {}, ['ann']],
    ['a call that is done', { state: 'done' }, []],
    ['a call that IVS may still carry out', { state: 'done', lands_until: inHours(1) }, ['ann']],
    ['another operation', { operation: 'DisconnectParticipant' }, []],
    ['a call for a room that nobody asks about', { arn: 'room_else' }, []],
    ['a call for somebody else', { target: 'eve' }, []],
    ['a call of another tenant', others, []],
  ])('with %s', async (_, row, users) => {
    await insertDelivery(sql, { ...inRoom, ...row });
    expect(await sql.value('users_with_disconnects', asked)).toEqual(users);
  });
});

const refusedKicks: [string, string, Row, boolean][] = [
  ['a kick that IVS refuses', 'user.disconnect', { state: 'stuck' }, true],
  ['a kick that is on its way again', 'user.disconnect', { state: 'stuck', leased_until: inHours(1) }, false],
  ['a kick that is due', 'user.disconnect', {}, false],
  ['a revocation that IVS refuses', 'grants.revoke', { state: 'stuck' }, false],
];

describe('is_refused_kick', () => {
  test.each(refusedKicks)('%s', async (_, kind, row, isRefused) => {
    await sql.query('update actions set kind = $1', [kind]);
    await insertDelivery(sql, { ...inRoom, ...row });
    const of = `(select d from public.deliveries as d)`;
    expect(await sql.valueOf('is_refused_kick', of)).toBe(isRefused);
  });
});

describe('cancel_refused_kicks', () => {
  test.each<[string, string, Row, boolean]>([
    ...refusedKicks,
    ['a kick of another user', 'user.disconnect', { state: 'stuck', target: 'ben' }, false],
    ['a kick from another room', 'user.disconnect', { state: 'stuck', arn: 'room_beside' }, false],
  ])('%s', async (_, kind, row, isCancelled) => {
    await sql.query('update actions set kind = $1', [kind]);
    await insertDelivery(sql, { ...inRoom, ...row });
    const asked = { tenant: 'ten', room: 'room', ivsUser: 'ann' };
    const seconds = () => sql.value('seconds_until_disconnected', { ...asked, butActions: [], butRefusedKicks: true });
    const dry = await seconds();
    await sql.call('cancel_refused_kicks', asked);
    if (isCancelled) expect([dry, await seconds()]).toEqual([null, null]);
    expect(await list(sql, `select state = 'expired' from deliveries`)).toEqual([isCancelled]);
  });
});

describe('participant_is_disconnected', () => {
  test.each<[string, Row, boolean]>([
    ['is due', {}, true],
    ['was made', { state: 'done' }, false],
    ['was made, when IVS may still carry out an earlier one', { state: 'done', lands_until: inHours(1) }, true],
    ['is not needed any more', { needed_until: inHours(-1) }, false],
    ['is for another participant', { target: 'part_beside' }, false],
    ['is in another space', { space_id: 'spc_beside' }, false],
    ['is at another tenant', others, false],
  ])('by a call that %s', async (_, row, isDisconnected) => {
    await insertDelivery(sql, { target: 'part', ...row });
    const asked = { tenant: 'ten', space: 'spc', participant: 'part' };
    expect(await sql.value('participant_is_disconnected', asked)).toBe(isDisconnected);
  });
});

describe('participant_was_disconnected', () => {
  test.each<[string, Row, boolean]>([
    ['is due', {}, true],
    ['was made', { state: 'done' }, true],
    ['found nobody', { state: 'not_connected' }, true],
    ['was cancelled', { state: 'expired' }, false],
    ['was cancelled, when IVS may still carry it out', { state: 'expired', lands_until: inHours(1) }, true],
    ['is for another participant', { target: 'part_beside' }, false],
    ['is in another space', { space_id: 'spc_beside' }, false],
    ['is at another tenant', others, false],
  ])('by a call that %s', async (_, row, wasDisconnected) => {
    await insertDelivery(sql, { target: 'part', ...row });
    const asked = { tenant: 'ten', space: 'spc', participant: 'part' };
    expect(await sql.value('participant_was_disconnected', asked)).toBe(wasDisconnected);
  });
});

describe('reprioritize_deliveries', () => {
  const order = (connected: Row, reprioritizedAtOnce = 10, since: string | null = lookedAt) =>
    sql.call('reprioritize_deliveries', {
      tenant: 'ten',
      space: 'spc',
      lookedAt,
      since,
      connected,
      limits: limitsWith({ reprioritizedAtOnce }),
    });
  const connected = { publisher: { publishing: true }, viewer: { publishing: false }, silent: {} };
  const waiting = { next_at: beforeLook };

  test.each<[string, Row, number]>([
    ['a publisher', { target: 'publisher', priority: 1 }, 0],
    ['a publisher who was thought to be away', { target: 'publisher', priority: 2 }, 0],
    ['a viewer who has published before', { target: 'viewer', priority: 0 }, 1],
    ['a viewer who was thought to be away', { target: 'viewer', priority: 2 }, 1],
    ['a participant of whom nothing is known', { target: 'silent', priority: 0 }, 1],
    ['somebody who is not connected', { target: 'away', priority: 0 }, 2],
    ['somebody who is not connected and was tried before', { target: 'away', attempts: 1 }, 1],
    [
      'somebody who was not connected yet, perhaps: due at the time of the look',
      { target: 'away', next_at: lookedAt },
      1,
    ],
    ['a publisher who was tried before', { target: 'publisher', attempts: 1 }, 0],
    ['a publisher whose call became due after the look', { target: 'publisher', next_at: afterLook }, 0],
    ['a call that is stuck', { target: 'publisher', state: 'stuck' }, 1],
    ['a call that was made', { target: 'publisher', state: 'done' }, 1],
    ['a call of another kind', { target: 'publisher', operation: 'DisconnectUser' }, 1],
    ['a call on another stage', { target: 'publisher', space_id: 'spc_beside' }, 1],
    ['a call of another account', { target: 'publisher', account: 'role us-east-1' }, 1],
    ['a call of another tenant', { target: 'publisher', ...others }, 1],
    ['a call of another action for the stage', { target: 'publisher', action_id: 'act_beside' }, 0],
  ])('gives its place to %s', async (_, delivery, priority) => {
    await insertDelivery(sql, { ...waiting, ...delivery });
    await order(connected);
    expect(await list(sql, 'select priority from deliveries')).toEqual([priority]);
  });

  test('takes nobody for away while the look goes on', async () => {
    await insertDelivery(sql, { ...waiting, target: 'away', priority: 0 });
    await insertDelivery(sql, { ...waiting, target: 'publisher', priority: 1 });
    await order(connected, 10, null);
    expect(await list(sql, 'select priority from deliveries order by target')).toEqual([0, 0]);
  });

  test.each([
    ['found', lookedAt, 0],
    ['not found', '2019-12-31T00:00:00Z', 2],
  ])('at the end of a look, takes a participant for away whom its earlier steps have %s: %s', async (_, seenAt, to) => {
    await insertHold(sql, { seen_at: seenAt });
    await insertDelivery(sql, { ...waiting, target: 'away', grant_id: 'grt', priority: 0 });
    await order(connected);
    expect(await list(sql, 'select priority from deliveries')).toEqual([to]);
  });

  test('changes so many at most, those of connected participants first', async () => {
    for (const target of ['away1', 'away2', 'publisher', 'viewer']) {
      await insertDelivery(sql, { ...waiting, target, priority: target === 'viewer' ? 0 : 1 });
    }
    const places = () => list(sql, `select target || ' ' || priority from deliveries order by 1`);
    await order(connected, 2);
    expect(await places()).toEqual(['away1 1', 'away2 1', 'publisher 0', 'viewer 1']);
    await order(connected, 2);
    expect(await places()).toEqual(['away1 2', 'away2 2', 'publisher 0', 'viewer 1']);
  });
});

describe('cancel_deliveries', () => {
  const cancel = (limit: number) =>
    sql.value<number>('cancel_deliveries', { tenant: 'ten', action: 'act', why: 'lifted', limit });

  test.each(states)('ends a delivery that is %s only if it is still to be made', async (state, isOpen) => {
    await insertDelivery(sql, { state });
    expect(await cancel(10)).toBe(isOpen ? 1 : 0);
    expect(await sql.query('select state, last_error, done_at is not null as is_over from deliveries')).toEqual([
      isOpen ? { state: 'expired', last_error: 'lifted', is_over: true } : { state, last_error: null, is_over: false },
    ]);
  });

  test.each([
    ['all, if the limit is higher', 4, 3],
    ['all, if the limit is as high', 3, 3],
    ['as many as the limit says', 2, 2],
    ['none for a limit of none', 0, 0],
  ])('ends %s', async (_, limit, ended) => {
    for (let nth = 0; nth < 3; nth++) await insertDelivery(sql);
    expect(await cancel(limit)).toBe(ended);
    expect(await list(sql, `select id from deliveries where state = 'expired'`)).toHaveLength(ended);
  });

  test('ends also one that is leased and a follow-up, but nothing of others', async () => {
    await insertDelivery(sql, { target: 'leased', leased_until: inHours(1) });
    await insertDelivery(sql, { target: 'later', follow_up: true });
    await insertDelivery(sql, { target: 'beside', action_id: 'act_beside' });
    await insertDelivery(sql, { target: 'foreign', ...others });
    expect(await cancel(10)).toBe(2);
    expect(await list(sql, `select target from deliveries where state = 'pending' order by 1`)).toEqual([
      'beside',
      'foreign',
    ]);
  });
});

describe('deliveries_under_way', () => {
  const underWay = (actions: string[] | null = ['act', 'act_gone']) =>
    sql.value<boolean>('deliveries_under_way', { tenant: 'ten', actions, lease: '3 hours', lands: '2 hours' });

  test.each<[string, Row, boolean]>([
    ['a call that was leased just now', { leased_until: inHours(3) }, true],
    ['a call that may still be running', { leased_until: inHours(1.5) }, true],
    ['a call that has ended by now, whatever came of it', { leased_until: inHours(0.5) }, false],
    ['a call that nobody has leased', {}, false],
    ['a call that was stuck and is tried again', { leased_until: inHours(3), state: 'stuck' }, true],
    ['a call whose outcome is known', { leased_until: inHours(3), state: 'done' }, false],
    ['a call without an answer, that IVS may still carry out', { lands_until: inHours(1) }, true],
    ['such a call that was repeated, and answered then', { lands_until: inHours(1), state: 'done' }, true],
    ['a call without an answer, that IVS has carried out by now or never will', { lands_until: inHours(-1) }, false],
    ['an event without an answer', { lands_until: inHours(1), operation: 'SendEvent' }, false],
    ['an event: it hits nobody', { leased_until: inHours(3), operation: 'SendEvent' }, false],
    ['the deletion of a message', { leased_until: inHours(3), operation: 'DeleteMessage' }, true],
    ['a call of another action', { leased_until: inHours(3), action_id: 'act_beside' }, false],
    ['a call of another tenant', { leased_until: inHours(3), ...others }, false],
  ])('%s', async (_, delivery, isUnderWay) => {
    await insertDelivery(sql, delivery);
    expect(await underWay()).toBe(isUnderWay);
  });

  test.each([
    ['there is no action', []],
    ['no list is given', null],
  ])('nothing is under way if %s', async (_, actions) => {
    await insertDelivery(sql, { leased_until: inHours(3) });
    expect(await underWay(actions)).toBe(false);
  });
});

describe('returning_participants', () => {
  const done = { state: 'done', target: 'ann-1', done_at: inHours(-1) };

  test.each<[string, Row[], number]>([
    ['one who was disconnected three times', [done, done, done], 1],
    ['nobody who was disconnected twice', [done, done], 0],
    ['nobody whose disconnections are long ago', [done, done, { ...done, done_at: inHours(-3) }], 0],
    ['nobody whom IVS did not know', [done, done, { ...done, state: 'not_connected' }], 0],
    ['nobody who left a room', [done, done, { ...done, operation: 'DisconnectUser' }], 0],
    ['participants by themselves', [done, done, { ...done, target: 'ann-2' }], 0],
    ['a participant of one tenant', [done, done, { ...done, ...others }], 0],
  ])('counts %s', async (_, deliveries, count) => {
    for (const delivery of deliveries) await insertDelivery(sql, delivery); // oxlint-disable-line no-await-in-loop
    const found = await sql.value('returning_participants', { times: 3, within: '2 hours' });
    expect(Number(found)).toBe(count);
  });
});

describe('delivery_backlog', () => {
  const backlog = async () => {
    const [row] = await sql.call('delivery_backlog', { overdueAfter: '2 hours' });
    return [row?.['stuck'], row?.['overdue'], Math.round(Number(row?.['oldest_seconds']) / 3600)];
  };
  const since = (hours: number) => ({ needed_since: inHours(hours), next_at: inHours(hours) });

  test.each<[string, Row, [string, string, number]]>([
    ['one that has waited too long', since(-3), ['0', '1', 3]],
    [
      'one that has waited too long, and is repeated soon',
      { ...since(-3), next_at: inHours(1), attempts: 9 },
      ['0', '1', 3],
    ],
    ['one that has waited for a short time', since(-1), ['0', '0', 1]],
    ['one that is due later', since(1), ['0', '0', 0]],
    ['one that is due later, of the build before', { needed_since: inHours(-3), next_at: inHours(1) }, ['0', '0', 0]],
    ['one that IVS refuses, however long it has waited', { ...since(-3), state: 'stuck' }, ['1', '0', 3]],
    ['one that was made', { ...since(-3), state: 'done' }, ['0', '0', 0]],
  ])('counts %s', async (_, delivery, expected) => {
    await insertDelivery(sql, delivery);
    expect(await backlog()).toEqual(expected);
  });

  test('counts for the service the deliveries of all tenants, and tells the age of the oldest', async () => {
    expect(await backlog()).toEqual(['0', '0', 0]);
    for (const [age, tenant] of ['ten', 'ten_other'].entries()) {
      for (const state of ['stuck', 'pending']) {
        await insertDelivery(sql, { tenant_id: tenant, state, ...since(-3 - age) });
      }
    }
    await sql.become('stagedoor_test_service');
    expect(await backlog()).toEqual(['2', '2', 4]);
  });
});

const now = '2030-01-01T00:00:00.000Z';
/** Deliveries, and whether they are due at `now`. */
const dueOrNot: [string, Row, boolean][] = [
  ['due now', { next_at: now }, true],
  ['due a moment later', { next_at: '2030-01-01T00:00:00.001Z' }, false],
  ['stuck', { state: 'stuck' }, true],
  ['made', { state: 'done' }, false],
  ['expired', { state: 'expired' }, false],
  ['of no participant', { state: 'not_connected' }, false],
  ['leased until now', { leased_until: now }, false],
  ['leased until a moment before', { leased_until: '2029-12-31T23:59:59.999Z' }, true],
  ['needed until now', { needed_until: now }, true],
  ['needed until a moment before', { needed_until: '2029-12-31T23:59:59.999Z' }, false],
  ['of another operation', { operation: 'DisconnectUser' }, false],
  ['of another account', { account: 'role us-east-1' }, false],
];

describe('due_beside', () => {
  const beside = () =>
    sql.value<number>('due_beside', { account, operation, tenant: 'ten', action: 'act', now, most: 3 });

  test.each(dueOrNot)('counts deliveries of others that are due: %s', async (_, row, isDue) => {
    await insertDelivery(sql, {
      action_id: 'act_beside',
      next_at: '2029-12-31T00:00:00Z',
      needed_until: 'infinity',
      ...row,
    });
    expect(await beside()).toBe(isDue ? 1 : 0);
  });

  test.each<[string, Row, number]>([
    ['the action itself', {}, 0],
    ['another action', { action_id: 'act_beside' }, 1],
    ['the same action id of another tenant', others, 1],
    ['another action of another tenant', { ...others, action_id: 'act_beside' }, 1],
  ])('counts deliveries of %s', async (_, row, count) => {
    await insertDelivery(sql, { needed_until: 'infinity', ...row });
    expect(await beside()).toBe(count);
  });

  test.each([2, 3, 4])('stops counting at the number that it is given: of %d', async (count) => {
    await sql.query(
      `insert into deliveries (tenant_id, action_id, space_id, account, operation, arn, target, needed_until)
       select 'ten', 'act_beside', 'spc', $1, $2, 'arn', nth::text, 'infinity' from generate_series(1, $3) as nth`,
      [account, operation, count],
    );
    expect(await beside()).toBe(Math.min(count, 3));
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, beside);
  });
});

describe('due_in_turn', () => {
  const request = {
    account,
    operation,
    tenant: null as string | null,
    action: null as string | null,
    limit: 10,
    held: [] as string[],
    now,
  };
  /** `turn target` in the order of the turns. */
  const turns = async (changed: Partial<typeof request> = {}) => {
    const rows = await sql.call<{ tenant_id: string; id: string; turn: string }>('due_in_turn', {
      ...request,
      ...changed,
    });
    const names = await sql.query<{ id: string; target: string }>('select id, target from deliveries');
    return rows.map(({ id, turn }) => `${turn} ${names.find((row) => row.id === id)?.target}`).sort();
  };
  const due = (target: string, nextAt: string, row: Row = {}) =>
    insertDelivery(sql, { target, next_at: `2029-12-${nextAt}T00:00:00Z`, needed_until: 'infinity', ...row });

  test.each(dueOrNot)('lists deliveries that are due: %s', async (_, row, isDue) => {
    await due('it', '01', row);
    expect(await turns()).toEqual(isDue ? ['1 it'] : []);
  });

  test('gives each tenant turns of its own: publishers first, then the longest due, then the oldest', async () => {
    await due('second', '02');
    await due('first', '01');
    await due('same', '02');
    await due('away', '01', { priority: 2 });
    await due('publisher', '05', { priority: 0 });
    await due('foreign', '20', others);
    expect(await turns()).toEqual(['1 foreign', '1 publisher', '2 first', '3 second', '4 same', '5 away']);
  });

  test('lists so many of each tenant at most', async () => {
    for (const target of ['a', 'b', 'c']) await due(target, '01');
    for (const target of ['x', 'y', 'z']) await due(target, '01', others);
    expect(await turns({ limit: 2 })).toEqual(['1 a', '1 x', '2 b', '2 y']);
  });

  test('lists those of one action alone', async () => {
    await due('mine', '02');
    await due('beside', '01', { action_id: 'act_beside' });
    await due('foreign', '01', others);
    expect(await turns({ tenant: 'ten', action: 'act' })).toEqual(['1 mine']);
  });

  test('passes over actions that are held back: the turns go to others', async () => {
    await due('held', '01');
    await due('next', '02', { action_id: 'act_beside' });
    expect(await turns({ held: ['act'], limit: 1 })).toEqual(['1 next']);
    expect(await turns({ held: ['act', 'act_beside'] })).toEqual([]);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, turns);
  });
});

describe('expire_deliveries', () => {
  test.each<[string, Row, string]>([
    ['that nobody needs any more', {}, 'expired'],
    ['that is stuck and that nobody needs', { state: 'stuck' }, 'expired'],
    ['that is needed', { needed_until: inHours(1) }, 'pending'],
    ['that is stuck and needed', { state: 'stuck', needed_until: inHours(1) }, 'stuck'],
    ['that is on its way', { leased_until: inHours(1) }, 'pending'],
    ['whose lease has run out', { leased_until: inHours(-1) }, 'expired'],
    ['that is due later', { next_at: inHours(1) }, 'expired'],
    ['that was made', { state: 'done' }, 'done'],
    ['that found nobody', { state: 'not_connected' }, 'not_connected'],
    ['of any tenant', others, 'expired'],
  ])('a delivery %s', async (_, row, state) => {
    await insertDelivery(sql, { needed_until: inHours(-0.001), ...row });
    await sql.become('stagedoor_crossing');
    await sql.call('expire_deliveries', { most: 10 });
    const changed = state === 'expired';
    expect(await sql.query('select state, done_at is not null as is_over from deliveries')).toEqual([
      { state, is_over: changed },
    ]);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, () => sql.call('expire_deliveries', { most: 10 }));
  });
});

describe('expire_deliveries in steps', () => {
  test('ends those first that have not been needed for longest, and no more than the limit', async () => {
    for (const hours of [3, 1, 2]) await insertDelivery(sql, { target: `${hours}`, needed_until: inHours(-hours) });
    const left = () => list(sql, `select target from deliveries where state = 'pending' order by 1`);
    await sql.become('stagedoor_crossing');
    await sql.call('expire_deliveries', { most: 2 });
    expect(await left()).toEqual(['1']);
    await sql.call('expire_deliveries', { most: 2 });
    expect(await left()).toEqual([]);
  });
});

describe('has_open_delivery', () => {
  const has = (grant: string | null = 'grt') => sql.value<boolean>('has_open_delivery', { tenant: 'ten', grant });

  test.each(states)('a delivery about the grant is %s', async (state, isOpen) => {
    await insertGrant(sql, { id: 'grt' });
    await insertDelivery(sql, { grant_id: 'grt', state });
    expect(await has()).toBe(isOpen);
  });

  test.each<[string, Row]>([
    ['is about another grant', { grant_id: 'grt_beside' }],
    ['is about no grant', {}],
    ['is of another tenant', { ...others, grant_id: 'grt' }],
  ])('does not count a delivery that %s', async (_, row) => {
    await insertGrant(sql, { id: 'grt_beside' });
    await insertGrant(sql, { id: 'grt', ...others });
    await insertDelivery(sql, row);
    expect([await has(), await has(null)]).toEqual([false, false]);
  });
});

describe('open_deliveries', () => {
  const open = () => sql.call('open_deliveries', { tenant: 'ten', action: 'act' });

  test.each(states)('lists a delivery that is %s only if it is still to be made', async (state, isOpen) => {
    const id = await insertDelivery(sql, { state });
    expect(await open()).toEqual(isOpen ? [{ id, is_follow_up: false }] : []);
  });

  test('says which is a follow-up, and lists none of other actions and tenants', async () => {
    const id = await insertDelivery(sql, { follow_up: true });
    await insertDelivery(sql, { action_id: 'act_beside' });
    await insertDelivery(sql, others);
    expect(await open()).toEqual([{ id, is_follow_up: true }]);
  });
});

describe('first_deliveries', () => {
  const first = async (actions: string[], each: number) =>
    (await sql.call<Record<string, string>>('first_deliveries', { tenant: 'ten', actions, each })).map(
      (row) => `${row['action_id']} ${row['id']}`,
    );

  test.each(states)('names the %s before older ones only if it is still to be made', async (state, isOpen) => {
    const [older, newer] = [await insertDelivery(sql, { state: 'done' }), await insertDelivery(sql, { state })];
    expect(await first(['act'], 1)).toEqual([`act ${isOpen ? newer : older}`]);
    expect(await first(['act'], 2)).toEqual([`act ${older}`, `act ${newer}`]);
  });

  test('names so many of each of these actions, and none of others', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n++) ids.push(await insertDelivery(sql));
    const beside = await insertDelivery(sql, { action_id: 'act_beside' });
    await insertDelivery(sql, others);
    expect(await first(['act', 'act_beside'], 2)).toEqual([`act ${ids[0]}`, `act ${ids[1]}`, `act_beside ${beside}`]);
    expect(await first(['act_beside'], 2)).toEqual([`act_beside ${beside}`]);
    expect(await first([], 2)).toEqual([]);
  });
});

describe('page_of_deliveries', () => {
  const page = async (state: string | null, after: string, limit: number) =>
    (await sql.call('page_of_deliveries', { tenant: 'ten', action: 'act', state, after, limit })).map(
      (row) => row['id'],
    );

  test('goes through the deliveries of one action by age, those in one state or all', async () => {
    const ids: string[] = [];
    for (const state of ['stuck', 'done', 'expired', 'done', 'pending', 'not_connected'])
      ids.push(await insertDelivery(sql, { state }));
    await insertDelivery(sql, { action_id: 'act_beside' });
    await insertDelivery(sql, others);
    expect(await page(null, '0', 4)).toEqual(ids.slice(0, 4));
    expect(await page(null, String(ids[3]), 4)).toEqual(ids.slice(4));
    expect(await page('done', '0', 1)).toEqual([ids[1]]);
    expect(await page('done', String(ids[1]), 9)).toEqual([ids[3]]);
    expect(await page(null, String(ids[5]), 9)).toEqual([]);
  });
});

describe('count_deliveries', () => {
  const count = async (actions: string[], most = 10) =>
    (await sql.call<Record<string, string | number>>('count_deliveries', { tenant: 'ten', actions, most }))
      .filter((row) => row['number'] !== 0)
      .map((row) => `${row['action_id']} ${row['state']} ${row['number']}`);

  test.each(states)('counts what is %s, as far as it is asked to', async (state) => {
    for (let n = 0; n < 3; n++) await insertDelivery(sql, { state });
    await insertDelivery(sql, others);
    expect(await count(['act'])).toEqual([`act ${state} 3`]);
    expect(await count(['act'], 2)).toEqual([`act ${state} 2`]);
  });

  test('counts for each of these actions', async () => {
    for (const action_id of ['act', 'act_beside']) await insertDelivery(sql, { action_id });
    expect(await count(['act', 'act_beside'])).toEqual(['act pending 1', 'act_beside pending 1']);
    expect(await count(['act_beside'])).toEqual(['act_beside pending 1']);
    expect(await sql.call('count_deliveries', { tenant: 'ten', actions: ['act'], most: 1 })).toHaveLength(
      states.length,
    );
  });
});

describe('open_actions', () => {
  const open = async (before: string, most = 9) =>
    (await sql.call('open_actions', { tenant: 'ten', before, most })).map((row) => row['action_id']);

  test.each(states)(
    'names an action with a delivery that is %s only if it is still to be made',
    async (state, isOpen) => {
      await insertDelivery(sql, { state });
      expect(await open('act_beside')).toEqual(isOpen ? ['act'] : []);
    },
  );

  test('names each older one of this tenant once, the newest first, and so many at most', async () => {
    for (const action_id of ['act', 'act_beside', 'act']) await insertDelivery(sql, { action_id });
    expect(await open('act_z')).toEqual(['act_beside', 'act']);
    expect(await open('act_z', 1)).toEqual(['act_beside']);
    expect(await open('act_z', 0)).toEqual([]);
    expect(await open('act_beside')).toEqual(['act']);
    expect(await open('act')).toEqual([]);
    await sql.query(`update deliveries set tenant_id = 'ten_other'`);
    expect(await open('act_z')).toEqual([]);
  });
});

describe('reading deliveries of an action by page', () => {
  test.each([
    ['deliveries_of_action_by_state', `action_id = 'act' and state = 'done' and id > 7 order by id limit 9`],
    [
      'deliveries_open_of_action',
      `action_id < 'act' and state in ('pending', 'stuck') order by action_id desc limit 1`,
    ],
  ])('reads the index %s, and sorts nothing', async (index, condition) => {
    await sql.query('set local enable_seqscan = off; set local enable_bitmapscan = off');
    const plan = JSON.stringify(
      await sql.query(`explain select * from deliveries where tenant_id = 'ten' and ${condition}`),
    );
    expect(plan).toContain(index);
    expect(plan).not.toContain('Sort');
  });
});

describe('has_deliveries', () => {
  test('says whether an action has deliveries, and whether there are any about a grant', async () => {
    await insertGrant(sql, { id: 'grt' });
    await insertDelivery(sql, { grant_id: 'grt', state: 'done', done_at: inHours(-1) });
    const has = (action: string | null, grant: string | null) =>
      sql.value('has_deliveries', { tenant: 'ten', action, grant });
    expect([await has('act', null), await has('act_beside', null)]).toEqual([true, false]);
    expect([await has(null, 'grt'), await has(null, 'grt_beside')]).toEqual([true, false]);
    expect(await sql.value('has_deliveries', { tenant: 'ten_other', action: 'act', grant: null })).toBe(false);
    await sql.query('delete from deliveries');
    expect([await has('act', null), await has(null, 'grt')]).toEqual([false, false]);
  });
});

describe('drop_old_deliveries', () => {
  const drop = (hoursAgo: number, most = 10) =>
    sql.value('drop_old_deliveries', { tenant: 'ten', before: new Date(Date.now() - hoursAgo * 3_600_000), most });

  test('deletes what ended before a time, the oldest first and no more than asked, and nothing that is open', async () => {
    const ended = { state: 'done', done_at: inHours(-10) };
    await insertDelivery(sql, { ...ended, target: 'younger', done_at: inHours(-2) });
    await insertDelivery(sql, { ...ended, target: 'oldest', done_at: inHours(-20) });
    await insertDelivery(sql, { ...ended, target: 'old' });
    await insertDelivery(sql, { target: 'open', needed_since: inHours(-30) });
    await insertDelivery(sql, { ...ended, ...others, target: 'of another tenant' });
    const left = () => list(sql, 'select target from deliveries order by 1');
    expect(await drop(5, 1)).toBe(1);
    expect(await left()).toEqual(['of another tenant', 'old', 'open', 'younger']);
    expect([await drop(5, 1), await drop(5, 1)]).toEqual([1, 0]);
    expect(await left()).toEqual(['of another tenant', 'open', 'younger']);
    expect(await drop(1)).toBe(1);
    expect(await left()).toEqual(['of another tenant', 'open']);
  });
});

describe('drop_deliveries_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['spaces', { id: 'spc' }],
      ['actions', { id: 'act', space_id: 'spc' }],
      ['deliveries', { action_id: 'act', space_id: 'spc' }],
      ['deliveries', { action_id: 'act', space_id: 'spc' }],
    ];
    await expectDropped(sql, ['deliveries'], rows, (args) => sql.value('drop_deliveries_of_tenant', args));
  });
});

describe('erase_deliveries', () => {
  const erase = (after: string | null = null, most = 100) =>
    sql.call('erase_deliveries', { tenant: 'ten_e', user: 'ann', name: 'erased:x', after, most });

  test('puts the name into deliveries that are settled, and leaves the others', async () => {
    await sql.insert('tenants', { id: 'ten_e' });
    await sql.insert('spaces', { tenant_id: 'ten_e', id: 'spc' });
    await sql.insert('actions', { tenant_id: 'ten_e', id: 'act' });
    await sql.insert('actions', { tenant_id: 'ten_e', id: 'act_against', user_id: 'ann' });
    const put = async (row: object) =>
      (
        await sql.insert('deliveries', {
          tenant_id: 'ten_e',
          action_id: 'act',
          space_id: 'spc',
          operation: 'DisconnectUser',
          ...row,
        })
      )['id'] as string;
    const done = {
      state: 'done',
      target: 'ann',
      last_error: 'ann is gone',
      parameters: { userId: 'ann', reason: 'rude' },
    };
    const ids = [
      await put(done),
      await put({ ...done, target: 'pseudonym-of-ann' }),
      await put({ ...done, state: 'pending' }),
      await put({ ...done, lands_until: inSeconds(60) }),
      await put({ ...done, target: 'ben', parameters: { userId: 'ben', reason: 'as rude as "ann"' } }),
      await put({ ...done, target: 'message', action_id: 'act_against', parameters: { reason: 'rude' } }),
    ];
    expect(await erase()).toEqual([{ changed: '3', waiting: '2', reached: null }]);
    expect(await sql.query('select target, last_error, parameters from deliveries order by id')).toEqual([
      { target: 'erased:x', last_error: null, parameters: { userId: 'erased:x' } },
      { target: 'pseudonym-of-ann', last_error: null, parameters: { userId: 'erased:x' } },
      { target: 'ann', last_error: 'ann is gone', parameters: { userId: 'ann', reason: 'rude' } },
      { target: 'ann', last_error: 'ann is gone', parameters: { userId: 'ann', reason: 'rude' } },
      { target: 'ben', last_error: 'ann is gone', parameters: { userId: 'ben', reason: 'as rude as "ann"' } },
      { target: 'message', last_error: null, parameters: {} },
    ]);
    expect(await erase(null, 3)).toEqual([{ changed: '0', waiting: '1', reached: ids[2] }]);
    expect(await erase(ids[2], 4)).toEqual([{ changed: '0', waiting: '1', reached: null }]);
  });
});

describe('has_deliveries_in_space', () => {
  test('tells of the space, and of no other', async () => {
    for (const tenant_id of ['t', 't_other']) {
      await sql.insert('tenants', { id: tenant_id });
      for (const id of ['full', 'empty']) await sql.insert('spaces', { tenant_id, id });
    }
    await sql.insert('actions', { tenant_id: 't', id: 'act_in_t' });
    await sql.insert('deliveries', { tenant_id: 't', space_id: 'full', action_id: 'act_in_t' });
    const has = (tenant: string, space: string) => sql.value('has_deliveries_in_space', { tenant, space });
    expect([await has('t', 'full'), await has('t', 'empty'), await has('t_other', 'full')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
