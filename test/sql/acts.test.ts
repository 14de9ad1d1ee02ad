/** The small functions about actions. `act_on_grants` and those that go on with an action or undo it have files of their own. */
import { limits } from '../../src/limits.ts';
import {
  expectRefusedToService,
  hours,
  inHours,
  insertDelivery,
  insertHold,
  insertTwoTenants,
  insertWatch,
  list,
} from '../support/moderation-rows.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const unfinished = { tenant_id: 'ten', action_id: 'act' };

describe('record_action', () => {
  const record = {
    tenant: 'ten',
    action: 'act_new',
    kind: 'ban',
    space: 'spc' as string | null,
    user: 'ann' as string | null,
    ban: 'ban' as string | null,
    reason: 'spam' as string | null,
    caller: { kind: 'user', id: 'mod' },
    elapsed: 7200,
  };
  const recorded = () =>
    sql.query(
      `select kind, space_id, user_id, ban_id, reason, requested_by, ${hours('requested_at')} as requested,
              ${hours('created_at')} as created, silenced_at, held_until
         from actions where tenant_id = 'ten' and id = 'act_new'`,
    );

  beforeEach(() => sql.insert('bans', { tenant_id: 'ten', id: 'ban' }));

  test('writes down who did what and when the request came in', async () => {
    await sql.call('record_action', record);
    expect(await recorded()).toEqual([
      {
        kind: 'ban',
        space_id: 'spc',
        user_id: 'ann',
        ban_id: 'ban',
        reason: 'spam',
        requested_by: { kind: 'user', id: 'mod' },
        requested: -2,
        created: 0,
        silenced_at: null,
        held_until: null,
      },
    ]);
  });

  test('writes an action without space, user, ban and reason', async () => {
    await sql.call('record_action', { ...record, space: null, user: null, ban: null, reason: null });
    expect(await recorded()).toEqual([
      expect.objectContaining({ space_id: null, user_id: null, ban_id: null, reason: null }),
    ]);
  });

  test.each<[string, Row, string]>([
    ['a kind that does not exist', { kind: 'shout' }, '23514'],
    ['a space of nobody', { space: 'spc_gone' }, '23503'],
    ['a ban of another tenant', { tenant: 'ten_other' }, '23503'],
    ['an id that another action has', { action: 'act' }, '23505'],
    ['no caller', { caller: null }, '23502'],
    ['no elapsed time', { elapsed: null }, '23502'],
  ])('refuses %s', async (_, changed, code) => {
    await expect(sql.call('record_action', { ...record, ...changed })).rejects.toMatchObject({ code });
  });
});

describe('describe_action', () => {
  const created = new Date('2030-01-01T00:00:00.123Z');

  test.each<[string, string, string | null, Row[]]>([
    ['an action', 'ten', 'act_told', [{ created_at: created, reason: 'spam', kind: 'ban' }]],
    ['an action without a reason', 'ten', 'act_mute', [{ created_at: created, reason: null, kind: 'ban' }]],
    ['an action of another tenant', 'ten_other', 'act_told', []],
    ['an action that is not there', 'ten', 'act_gone', []],
    ['no action', 'ten', null, []],
  ])('tells of %s what there is', async (_, tenant, action, told) => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_told', reason: 'spam', created_at: created });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_mute', created_at: created });
    expect(await sql.call('describe_action', { tenant, action })).toEqual(told);
  });
});

describe('acts_on_user_are_unfinished', () => {
  test.each<[string, Row, Row, boolean]>([
    ['an act against the user', { user_id: 'ann', space_id: null }, {}, true],
    ['an act against everybody in the space', {}, {}, true],
    ['an act against somebody else', { user_id: 'ben' }, {}, false],
    ['an act against everybody in another space', { space_id: 'spc_beside' }, {}, false],
    ['an act at another tenant', { tenant_id: 'ten_other' }, {}, false],
    ['an act that has treated all its grants', {}, { action_id: 'act_beside' }, false],
  ])('of %s', async (_, action, step, isUnfinished) => {
    await sql.query(`update actions set user_id = 'ben' where id = 'act_beside'`);
    const { tenant_id, id } = await sql.insert('actions', { tenant_id: 'ten', space_id: 'spc', ...action });
    await sql.insert('unfinished_actions', { tenant_id, action_id: id, ...step });
    const asked = { tenant: 'ten', space: 'spc', user: 'ann' };
    const but = (actions: string[]) => sql.value('acts_on_user_are_unfinished', { ...asked, but: actions });
    expect(await but([])).toBe(isUnfinished);
    expect(await but([id as string])).toBe(false);
    expect(await but(['act_of_others'])).toBe(isUnfinished);
  });
});

describe('unfinished_acts', () => {
  test('lists whom the acts of the tenant are against that are unfinished', async () => {
    for (const [tenant_id, row] of [
      ['ten', { id: 'act_user', user_id: 'ann', space_id: null }],
      ['ten', { id: 'act_space', user_id: null, space_id: 'spc' }],
      ['ten', { id: 'act_done', user_id: 'eve' }],
      ['ten_other', { id: 'act_else', user_id: 'ben' }],
    ] as const) {
      await sql.insert('actions', { tenant_id, ...row });
      if (row.id !== 'act_done') await sql.insert('unfinished_actions', { tenant_id, action_id: row.id });
    }
    const found = await sql.call('unfinished_acts', { tenant: 'ten' });
    expect(found).toHaveLength(2);
    expect(found).toEqual(
      expect.arrayContaining([
        { space_id: null, user_id: 'ann' },
        { space_id: 'spc', user_id: null },
      ]),
    );
  });
});

describe('actions_of_bans', () => {
  test.each<[string, string[], string[]]>([
    ['a ban', ['ban'], ['act_one', 'act_two']],
    ['several bans', ['ban', 'ban_beside'], ['act_else', 'act_one', 'act_two']],
    ['a ban that did nothing', ['ban_quiet'], []],
    ['no ban', [], []],
  ])('of %s', async (_, bans, actions) => {
    for (const tenant of ['ten', 'ten_other']) {
      for (const ban of ['ban', 'ban_beside', 'ban_quiet']) await sql.insert('bans', { tenant_id: tenant, id: ban });
    }
    for (const [tenant_id, id, ban_id] of [
      ['ten', 'act_one', 'ban'],
      ['ten', 'act_two', 'ban'],
      ['ten', 'act_else', 'ban_beside'],
      ['ten', 'act_free', null],
      ['ten_other', 'act_foreign', 'ban_quiet'],
    ]) {
      await sql.insert('actions', { tenant_id, id, ban_id });
    }
    expect((await sql.value<string[]>('actions_of_bans', { tenant: 'ten', bans })).toSorted()).toEqual(actions);
  });
});

describe('actions_of_ban', () => {
  const actionsOf = async (ban: string | null) =>
    Object.fromEntries(
      (await sql.call<{ action_id: string; is_unfinished: boolean }>('actions_of_ban', { tenant: 'ten', ban })).map(
        (row) => [row.action_id, row.is_unfinished],
      ),
    );

  beforeEach(async () => {
    for (const tenant of ['ten', 'ten_other']) {
      for (const ban of ['ban', 'ban_beside', 'ban_quiet']) await sql.insert('bans', { tenant_id: tenant, id: ban });
    }
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_done', ban_id: 'ban' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_rest', ban_id: 'ban' });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_else', ban_id: 'ban_beside' });
    await sql.insert('actions', { tenant_id: 'ten_other', id: 'act_done', ban_id: 'ban' });
    await sql.insert('unfinished_actions', { ...unfinished, action_id: 'act_rest' });
    await sql.insert('unfinished_actions', { tenant_id: 'ten_other', action_id: 'act_done' });
  });

  test('lists the actions of the ban alone, and says which are not finished', async () => {
    expect(await actionsOf('ban')).toEqual({ act_done: false, act_rest: true });
  });

  test.each([
    ['a ban without actions', 'ban_quiet'],
    ['a ban that is not there', 'ban_gone'],
    ['no ban, although some actions have none', null],
  ])('lists nothing for %s', async (_, ban) => {
    expect(await actionsOf(ban)).toEqual({});
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, () => actionsOf('ban'));
  });
});

describe('hold_back_actions', () => {
  test('holds back these actions of this tenant, for as long as it is told', async () => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_third', held_until: inHours(9) });
    await sql.call('hold_back_actions', { tenant: 'ten', actions: ['act', 'act_third', 'act_gone'], for: '2 hours' });
    expect(
      await list(sql, `select concat_ws(' ', tenant_id, id, ${hours('held_until')}) from actions order by 1`),
    ).toEqual(['ten act 2', 'ten act_beside', 'ten act_third 2', 'ten_other act', 'ten_other act_beside']);
  });

  test.each([
    ['an empty list', []],
    ['no list', null],
  ])('holds back nothing for %s', async (_, actions) => {
    await sql.call('hold_back_actions', { tenant: 'ten', actions, for: '2 hours' });
    expect(await list(sql, 'select id from actions where held_until is not null')).toEqual([]);
  });
});

describe('held_back_actions', () => {
  const heldBack = () => sql.value<string[]>('held_back_actions', { longest: '2 hours' });

  test('lists nothing if no action is held back', async () => {
    expect(await heldBack()).toEqual([]);
  });

  test('lists the actions of all tenants that are held back now, and none whose time is over', async () => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_held', held_until: inHours(1) });
    await sql.insert('actions', { tenant_id: 'ten_other', id: 'act_held_too', held_until: inHours(1) });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_over', held_until: inSeconds(-0.01) });
    // The clock was set back since.
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_ahead', held_until: inHours(3) });
    await sql.become('stagedoor_crossing');
    expect((await heldBack()).sort()).toEqual(['act_held', 'act_held_too']);
  });

  test('is refused to the service', async () => {
    await expectRefusedToService(sql, heldBack);
  });
});

describe('take_unfinished_actions', () => {
  const listed = async (limit: number | null) =>
    (await sql.call('take_unfinished_actions', { limit })).map((row) => Object.values(row).join(' '));

  test('lists nothing if all actions are finished', async () => {
    expect(await listed(10)).toEqual([]);
  });

  test.each<[string, number | null, number]>([
    ['all of them, if the limit allows', 3, 3],
    ['all of them, without a limit', null, 3],
    ['as many as the limit allows', 2, 2],
    ['none for a limit of none', 0, 0],
  ])('lists to the service the unfinished actions of all tenants: %s', async (_, limit, count) => {
    const all = ['ten act', 'ten act_beside', 'ten_other act'];
    for (const action of all) {
      const [tenant, id] = action.split(' ');
      await sql.insert('unfinished_actions', { tenant_id: tenant, action_id: id });
    }
    await sql.become('stagedoor_test_service');
    const found = await listed(limit);
    expect(found).toHaveLength(count);
    expect(all).toEqual(expect.arrayContaining(found));
  });
});

describe('role_changed_since', () => {
  const since = '2030-01-01T00:00:00.000Z';
  const after = '2030-01-01T00:00:00.001Z';
  const changed = { tenant_id: 'ten', id: 'act_role', kind: 'role.change', space_id: 'spc', user_id: 'ann' };
  const request = { tenant: 'ten', space: 'spc', user: 'ann' };

  test.each<[string, Row, boolean]>([
    ['a change of the role in a later turn', { turn: 8 }, true],
    ['a change of the role in that very turn', { turn: 7 }, false],
    ['a change in an earlier turn', { turn: 6 }, false],
    ['a change in a later turn whose time is earlier', { turn: 8, created_at: '2029-12-31T23:59:59Z' }, true],
    ['a change in an earlier turn whose time is later', { turn: 6, created_at: after }, false],
    ['another action in a later turn', { turn: 8, kind: 'ban' }, false],
    ['a change for another user', { turn: 8, user_id: 'ben' }, false],
    ['a change in another space', { turn: 8, space_id: 'spc_beside' }, false],
    ['a change in another tenant', { turn: 8, tenant_id: 'ten_other' }, false],
    ['a later change from before there were turns', { turn: null, created_at: after }, true],
    ['a change of that moment from before there were turns', { turn: null, created_at: since }, false],
  ])('says of %s whether it counts', async (_, action, counts) => {
    await sql.insert('actions', { ...changed, created_at: since, ...action });
    expect(await sql.value('role_changed_since', { ...request, turn: 7, since })).toBe(counts);
  });

  test.each<[string, string, boolean]>([
    ['after it', after, true],
    ['before it', since, false],
  ])('a grant from before there were turns, and a change %s', async (_, created_at, counts) => {
    await sql.insert('actions', { ...changed, created_at });
    expect(await sql.value('role_changed_since', { ...request, turn: null, since })).toBe(counts);
  });

  test('finds no change if there is none', async () => {
    expect(await sql.value('role_changed_since', { ...request, turn: 7, since })).toBe(false);
  });
});

describe('acts_in_last_minute', () => {
  const by = { tenant_id: 'ten', requested_by: { kind: 'user', id: 'mod' } };
  const request = { tenant: 'ten', kind: 'user', id: 'mod', most: 3, inTurn: false };

  test.each<[string, Row[], number]>([
    ['none', [], 0],
    ['those of the last minute', [{}, { created_at: inSeconds(-50) }], 2],
    ['not older ones', [{}, { created_at: inSeconds(-61) }], 1],
    ['not those from before the clock was set back', [{}, { created_at: inHours(1) }], 1],
    ['not those of another caller', [{}, { requested_by: { kind: 'user', id: 'other' } }], 1],
    ['not those of an API key with the same id', [{}, { requested_by: { kind: 'apiKey', id: 'mod' } }], 1],
    ['not those of another tenant', [{}, { tenant_id: 'ten_other' }], 1],
    ['no more than it is asked for', [{}, {}, {}, {}], 3],
  ])('counts %s', async (_, rows, used) => {
    for (const row of rows) await sql.insert('actions', { ...by, created_at: inSeconds(-1), ...row });
    const [found] = await sql.call('acts_in_last_minute', request);
    expect(found).toEqual({ used, oldest: used > 0 ? expect.any(Date) : null });
  });
});

describe('newest_freezing', () => {
  const freezing = { tenant_id: 'ten', space_id: 'spc', kind: 'space.freeze' };

  test.each<[string, Row[], string | null]>([
    ['none', [], null],
    ['the only one', [{ id: 'a' }], 'a'],
    [
      'the one of the last turn, though its transaction began first',
      [
        { id: 'a', created_at: inSeconds(0) },
        { id: 'b', created_at: inSeconds(-60) },
      ],
      'b',
    ],
    [
      'one with a turn before one from when there were none',
      [{ id: 'a' }, { id: 'b', turn: null, created_at: inSeconds(60) }],
      'a',
    ],
    [
      'the later one of those from when there were none',
      [
        { id: 'a', turn: null, created_at: inSeconds(-60) },
        { id: 'b', turn: null, created_at: inSeconds(-90) },
      ],
      'a',
    ],
    ['no other action', [{ id: 'a' }, { id: 'b', kind: 'event.send' }], 'a'],
    ['not that of another space', [{ id: 'a' }, { id: 'b', space_id: 'spc_beside' }], 'a'],
    ['not that of another tenant', [{ id: 'a' }, { id: 'b', tenant_id: 'ten_other' }], 'a'],
  ])('%s', async (_, rows, id) => {
    for (const row of rows) await sql.insert('actions', { ...freezing, ...row });
    expect(await sql.value('newest_freezing', { tenant: 'ten', space: 'spc' })).toBe(id);
  });
});

describe('unfinished_role_changes', () => {
  const changes = () => sql.value<string[]>('unfinished_role_changes', { tenant: 'ten', space: 'spc', user: 'ann' });
  const role = { tenant_id: 'ten', kind: 'role.change', space_id: 'spc', user_id: 'ann' };
  const hold = (action: string) => insertHold(sql, { action_id: action, grant_id: `grt_${action}` });

  beforeEach(() => sql.insert('actions', { ...role, id: 'act_role' }));

  test.each<[string, () => Promise<unknown>, string[]]>([
    ['one that wants nothing any more', () => Promise.resolve(), []],
    ['one that holds a grant', () => hold('act_role'), ['act_role']],
    [
      'one that has grants left',
      () => sql.insert('unfinished_actions', { ...unfinished, action_id: 'act_role' }),
      ['act_role'],
    ],
    ['one with a delivery to make', () => insertDelivery(sql, { action_id: 'act_role' }), ['act_role']],
    [
      'one with a delivery that IVS refuses',
      () => insertDelivery(sql, { action_id: 'act_role', state: 'stuck' }),
      ['act_role'],
    ],
    ['one whose deliveries were made', () => insertDelivery(sql, { action_id: 'act_role', state: 'done' }), []],
    ['one beside an unfinished action of another kind', () => hold('act'), []],
  ])('%s', async (_, arrange, answer) => {
    await arrange();
    expect(await changes()).toEqual(answer);
  });

  test('lists all of them, and none of other users, spaces and tenants', async () => {
    for (const [id, row] of Object.entries<Row>({
      act_role_too: {},
      act_of_ben: { user_id: 'ben' },
      act_elsewhere: { space_id: 'spc_beside' },
    })) {
      await sql.insert('actions', { ...role, ...row, id });
      await hold(id);
    }
    await hold('act_role');
    await sql.insert('actions', { ...role, tenant_id: 'ten_other', id: 'act_foreign' });
    await insertHold(sql, { tenant_id: 'ten_other', action_id: 'act_foreign' });
    expect((await changes()).sort()).toEqual(['act_role', 'act_role_too']);
  });

  test('does not take what the same action id of another tenant still holds for its own', async () => {
    await sql.insert('actions', { ...role, tenant_id: 'ten_other', id: 'act_role' });
    await insertHold(sql, { tenant_id: 'ten_other', action_id: 'act_role' });
    await sql.insert('unfinished_actions', { tenant_id: 'ten_other', action_id: 'act_role' });
    await insertDelivery(sql, { tenant_id: 'ten_other', action_id: 'act_role' });
    expect(await changes()).toEqual([]);
  });
});

describe('silence_actions', () => {
  test('notes the silence of those of these actions that were not silent before', async () => {
    const before = '2020-01-01T00:00:00.000Z';
    for (const [id, row] of Object.entries({ act_new: {}, act_old: { silenced_at: before }, act_not_asked: {} })) {
      await sql.insert('actions', { tenant_id: 'ten', id, ...row });
    }
    await sql.call('silence_actions', { tenant: 'ten', actions: ['act_new', 'act_old', 'act_unknown'] });
    expect(
      await sql.query(`select id, silenced_at > $1 as is_new from actions where silenced_at is not null order by 1`, [
        before,
      ]),
    ).toEqual([
      { id: 'act_new', is_new: true },
      { id: 'act_old', is_new: false },
    ]);
  });
});

/** What makes the action `act` pending, and what does not. */
const waiting: [string, boolean, () => Promise<unknown>][] = [
  ['nothing', false, async () => undefined],
  ['a pending delivery', true, () => insertDelivery(sql)],
  ['a stuck delivery', true, () => insertDelivery(sql, { state: 'stuck' })],
  [
    'settled deliveries',
    false,
    async () => {
      for (const state of ['done', 'not_connected', 'expired']) await insertDelivery(sql, { state });
    },
  ],
  ['grants that are not treated yet', true, () => sql.insert('unfinished_actions', unfinished)],
  ['a look that fails', true, () => restOnLook({ failing_from: inSeconds(-1) })],
  ['a look that does not fail', false, () => restOnLook({})],
  [
    'the same in another tenant',
    false,
    async () => {
      await insertDelivery(sql, { tenant_id: 'ten_other' });
      await sql.insert('unfinished_actions', { ...unfinished, tenant_id: 'ten_other' });
    },
  ],
];

async function restOnLook(watch: Row): Promise<void> {
  await insertWatch(sql, watch);
  await insertHold(sql, {});
}

const ofTenant = { tenant: 'ten', space: null as string | null, before: null as string | null, limit: 9 };

describe('pending_actions', () => {
  const pending = async (changed: Partial<typeof ofTenant & { atOnce: number }> = {}) =>
    (await sql.call('pending_actions', { ...ofTenant, atOnce: 1, ...changed })).map((row) => row['action_id']);

  test.each(waiting)('with %s: %s', async (_, isPending, make) => {
    await make();
    expect(await pending()).toEqual(isPending ? ['act'] : []);
  });

  test('names an action once that is pending for several reasons, in each page of one', async () => {
    for (const [, , make] of waiting.slice(1, 6)) await make();
    await insertDelivery(sql, { action_id: 'act_beside' });
    // An action may have a row for each kind of watch.
    await sql.insert('unfinished_actions', { ...unfinished, watch_for: 'banned' });
    for (const atOnce of [1, 2, 3]) expect(await pending({ atOnce })).toEqual(['act_beside', 'act']);
    expect(await pending({ limit: 1 })).toEqual(['act_beside']);
    expect(await pending({ limit: 1, before: 'act_beside' })).toEqual(['act']);
    expect(await pending({ limit: 1, before: 'act' })).toEqual([]);
  });

  test('goes through as many steps as it takes, whatever makes each action pending', async () => {
    await insertWatch(sql, { failing_from: inSeconds(-1) });
    const made = Array.from({ length: 9 }, (_, n) => `act_${n}`);
    for (const [n, action_id] of made.entries()) {
      await sql.insert('actions', { tenant_id: 'ten', id: action_id, space_id: n < 3 ? 'spc_beside' : 'spc' });
      if (n % 3 === 0) await insertDelivery(sql, { action_id });
      if (n % 3 === 1) await sql.insert('unfinished_actions', { ...unfinished, action_id });
      if (n % 3 === 2) await insertHold(sql, { action_id });
    }
    for (const atOnce of [1, 2, 3, 4, 9, 10]) {
      expect(await pending({ atOnce })).toEqual(made.toReversed());
      expect(await pending({ atOnce, limit: 2, before: 'act_5' })).toEqual(['act_4', 'act_3']);
      expect(await pending({ atOnce, space: 'spc_beside' })).toEqual(['act_2', 'act_1', 'act_0']);
    }
  });

  test('names those of one space on request', async () => {
    await sql.query(`update actions set space_id = 'spc_beside' where id = 'act'`);
    for (const action_id of ['act', 'act_beside']) await insertDelivery(sql, { action_id });
    expect(await pending({ space: 'spc_beside', limit: 1 })).toEqual(['act']);
    expect(await pending({ space: 'spc_other' })).toEqual([]);
  });
});

describe('delivered_actions', () => {
  const delivered = async (changed: Partial<typeof ofTenant> = {}) =>
    (await sql.call('delivered_actions', { ...ofTenant, ...changed })).map((row) => row['action_id']);

  test.each(waiting)('with %s: not %s', async (_, isPending, make) => {
    await make();
    expect(await delivered()).toEqual(isPending ? ['act_beside'] : ['act_beside', 'act']);
  });

  test('goes through them by page, and names those of one space on request', async () => {
    expect(await delivered({ limit: 1 })).toEqual(['act_beside']);
    expect(await delivered({ limit: 1, before: 'act_beside' })).toEqual(['act']);
    expect(await delivered({ before: 'act' })).toEqual([]);
    await sql.query(`update actions set space_id = 'spc_beside' where id = 'act'`);
    expect(await delivered({ space: 'spc_beside', limit: 1 })).toEqual(['act']);
  });
});

describe('shown_action', () => {
  const shown = (action: string) =>
    sql.value<Row | null>('shown_action', {
      tenant: 'ten',
      kind: 'system',
      credential: 'system',
      mustBeActive: false,
      action,
      each: 1,
      most: 10,
    });

  test('returns the action with its first deliveries and their counts', async () => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_shown', kind: 'ban' });
    expect(await shown('act_shown')).toMatchObject({
      action: { id: 'act_shown', kind: 'ban' },
      deliveries: [],
      counts: { pending: 0, done: 0 },
      isUnfinished: false,
    });
    for (const target of ['a', 'b']) {
      await sql.insert('deliveries', { tenant_id: 'ten', action_id: 'act_shown', space_id: 'spc', target });
    }
    await sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act_shown' });
    expect(await shown('act_shown')).toMatchObject({
      deliveries: [{ target: 'a', state: 'pending' }],
      counts: { pending: 2 },
      isUnfinished: true,
    });
  });

  test('is null if there is no such action', async () => {
    expect(await shown('act_none')).toBeNull();
  });
});

describe('has_actions_of_ban', () => {
  test('says whether a ban has an action', async () => {
    const has = (tenant: string, ban: string) => sql.value('has_actions_of_ban', { tenant, ban });
    for (const id of ['ban', 'ban_beside']) await sql.insert('bans', { tenant_id: 'ten', id });
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_ban', ban_id: 'ban' });
    expect([await has('ten', 'ban'), await has('ten', 'ban_beside'), await has('ten_other', 'ban')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('drop_old_actions', () => {
  const old = { tenant_id: 'ten', space_id: 'spc', created_at: inHours(-10), delivery_told: true };
  const drop = async (after = '', most = 10) => {
    const before = new Date(Date.now() - 5 * 3_600_000);
    const [step] = await sql.call('drop_old_actions', { tenant: 'ten', before, after, most });
    return [Number(step?.['dropped']), step?.['reached']];
  };
  const left = () => list(sql, `select id from actions where tenant_id = 'ten' order by id`);

  beforeEach(async () => {
    await sql.query('delete from actions');
  });

  test('deletes old actions, in steps that say how far they have come, and none of another tenant', async () => {
    for (const id of ['a', 'b', 'c']) await sql.insert('actions', { ...old, id });
    await sql.insert('actions', { ...old, id: 'd', created_at: inHours(-1) });
    await sql.insert('actions', { ...old, id: 'a', tenant_id: 'ten_other' });
    expect(await drop('', 2)).toEqual([2, 'b']);
    expect(await drop('b', 2)).toEqual([1, null]); // no older one follows the one that is young
    expect(await left()).toEqual(['d']);
    expect(await list(sql, `select id from actions where tenant_id = 'ten_other'`)).toEqual(['a']);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['that has a delivery', () => insertDelivery(sql, { action_id: 'a', state: 'done', done_at: inHours(-1) })],
    ['that holds a grant', () => insertHold(sql, { action_id: 'a' })],
    [
      'that has not treated all its grants',
      () => sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'a' }),
    ],
    ['whose end is not told', () => sql.query(`update actions set delivery_told = false where id = 'a'`)],
    [
      'whose ban is in force',
      async () => {
        await sql.insert('bans', { tenant_id: 'ten', id: 'ban' });
        await sql.query(`update actions set ban_id = 'ban' where id = 'a'`);
      },
    ],
    [
      'that freezes a space',
      async () => {
        await sql.query(`update actions set kind = 'space.freeze' where id = 'a'`);
        await sql.query(`update spaces set frozen_at = now() where id = 'spc'`);
      },
    ],
  ])('keeps an old action %s, and goes on with others', async (_, need) => {
    await sql.insert('actions', { ...old, id: 'a' });
    await sql.insert('actions', { ...old, id: 'b' });
    await need();
    expect(await drop()).toEqual([1, null]);
    expect(await left()).toEqual(['a']);
  });

  test('deletes the action of a ban that is over, and of a freezing that is over', async () => {
    await sql.insert('bans', { tenant_id: 'ten', id: 'ban', lifted_at: inHours(-9) });
    await sql.insert('actions', { ...old, id: 'a', ban_id: 'ban' });
    await sql.insert('actions', { ...old, id: 'b', kind: 'space.freeze' });
    expect(await drop()).toEqual([2, null]);
  });
});

describe('restore_revocation', () => {
  const entry = {
    action: 'grants.revoke',
    userId: 'ann',
    spaceId: null as string | null,
    at: '2030-01-01T00:00:00Z',
    caller: { kind: 'user', id: 'mod' },
    details: {} as Row,
  };
  const restore = (changed: Partial<typeof entry> = {}, action = 'act_old') =>
    sql.value('restore_revocation', { tenant: 'ten', action, entry: { ...entry, ...changed }, limits });
  const held = () =>
    list(sql, `select grant_id from holds where tenant_id = 'ten' and action_id = 'act_old' order by 1`);

  beforeEach(async () => {
    for (const [id, row] of [
      ['old', { issued_at: inHours(-2) }],
      ['young', { issued_at: inSeconds(-60) }],
      ['beside', { issued_at: inHours(-2), space_id: 'spc_beside' }],
      ['ben', { issued_at: inHours(-2), user_id: 'ben' }],
      ['refused', { issued_at: inHours(-2), state: 'refused' }],
    ] as const)
      await sql.insert('grants', {
        tenant_id: 'ten',
        space_id: 'spc',
        id,
        expires_at: inHours(5),
        session_expires_at: inHours(5),
        ...row,
      });
  });

  test.each<[string, Partial<typeof entry>, string[]]>([
    ['all grants of the user', {}, ['beside', 'old', 'young']],
    ['those of a space', { spaceId: 'spc' }, ['old', 'young']],
    ['one grant', { details: { grantId: 'old' } }, ['old']],
    ['several grants that a newer one has replaced', { details: { grantIds: ['old', 'beside'] } }, ['beside', 'old']],
    ['no grant that never had a token', { details: { grantId: 'refused' } }, []],
    ['no grant that is not there', { details: { grantId: 'gone' } }, []],
  ])('revokes %s', async (_, changed, ids) => {
    expect(await restore(changed)).toBe(true);
    expect(await held()).toEqual(ids);
    const [action] = await sql.query(`select kind, user_id, requested_by from actions where id = 'act_old'`);
    expect(action).toEqual({ kind: 'grants.revoke', user_id: 'ann', requested_by: entry.caller });
  });

  test('revokes none that was issued after the entry, or after the time that it names', async () => {
    const [row] = await sql.query<{ at: Date }>(`select now() - interval '1 hour' as at`);
    const at = row?.at.toISOString() ?? '';
    await restore({ at });
    expect(await held()).toEqual(['beside', 'old']);
    await sql.query(`delete from holds where action_id = 'act_old'`);
    await sql.query(`delete from deliveries where action_id = 'act_old'`);
    await sql.query(`delete from actions where id = 'act_old'`);
    await restore({ details: { issuedBefore: at } });
    expect(await held()).toEqual(['beside', 'old']);
  });

  test('does nothing for an action that is known, or a space that is not there', async () => {
    expect(await restore({}, 'act')).toBe(false);
    expect(await restore({ spaceId: 'spc_gone' })).toBe(false);
    expect(await held()).toEqual([]);
  });
});

describe('drop_actions_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['actions', { id: 'act' }],
      ['actions', { id: 'act_b' }],
      ['unfinished_actions', { action_id: 'act' }],
    ];
    await expectDropped(sql, ['unfinished_actions', 'actions'], rows, (args) =>
      sql.value('drop_actions_of_tenant', args),
    );
  });
});

describe('acts_are_in_effect', () => {
  const areInEffect = () => sql.value('acts_are_in_effect', { tenant: 'ten_e', kind: 'tenant.end' });

  test.each<[string, boolean, () => Promise<unknown>]>([
    ['nothing', false, () => Promise.resolve()],
    ['grants to treat', true, () => sql.insert('unfinished_actions', { tenant_id: 'ten_e', action_id: 'act_end' })],
    ['a call to make', true, () => putDelivery({ state: 'pending' })],
    ['a call that was made', false, () => putDelivery({ state: 'done' })],
    ['a token to watch', true, () => putHold()],
  ])('an action with %s left', async (_, isInEffect, leave) => {
    await putEnd();
    await leave();
    expect(await areInEffect()).toBe(isInEffect);
  });

  test('an action of 17 days ago does not count', async () => {
    await putEnd();
    await sql.query(`update actions set created_at = now() - interval '17 days' where tenant_id = 'ten_e'`);
    await putHold();
    expect(await areInEffect()).toBe(false);
  });

  test('an action of another kind does not count', async () => {
    await putEnd();
    await sql.query(`update actions set kind = 'ban'`);
    await putDelivery({ state: 'pending' });
    expect(await areInEffect()).toBe(false);
  });

  async function putEnd(): Promise<void> {
    await sql.insert('tenants', { id: 'ten_e' });
    await sql.insert('spaces', { tenant_id: 'ten_e', id: 'spc_end' });
    await sql.insert('actions', { tenant_id: 'ten_e', id: 'act_end', kind: 'tenant.end', space_id: 'spc_end' });
  }

  const of = { tenant_id: 'ten_e', action_id: 'act_end', space_id: 'spc_end' };
  const putDelivery = (row: object) => sql.insert('deliveries', { ...of, ...row });

  async function putHold(): Promise<void> {
    await sql.insert('grants', { tenant_id: 'ten_e', id: 'grt_end', space_id: 'spc_end' });
    await sql.insert('holds', { ...of, grant_id: 'grt_end' });
  }
});

describe('erase_actions', () => {
  test('puts the name into actions that are delivered, against the user or by them', async () => {
    await sql.insert('tenants', { id: 'ten_e' });
    await sql.insert('tenants', { id: 'ten_f' });
    const key = { kind: 'apiKey', id: 'key_1' };
    const put = (id: string, row: object) =>
      sql.insert('actions', { tenant_id: 'ten_e', id, reason: 'rude', delivery_told: true, ...row });
    await put('a_against', { user_id: 'ann' });
    await put('b_by', { user_id: 'ben', requested_by: { kind: 'user', id: 'ann' } });
    await put('c_unfinished', { user_id: 'ann', delivery_told: false });
    await put('d_of_another', { user_id: 'ben' });
    await sql.insert('actions', { tenant_id: 'ten_f', id: 'a', user_id: 'ann', delivery_told: true });
    const args = { tenant: 'ten_e', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_actions', args)).toEqual([{ changed: '2', waiting: '1', reached: null }]);
    const all = `select user_id, reason, requested_by from actions where tenant_id in ('ten_e', 'ten_f') order by tenant_id, id`;
    expect(await sql.query(all)).toEqual([
      { user_id: 'erased:x', reason: null, requested_by: key },
      { user_id: 'ben', reason: null, requested_by: { kind: 'user', id: 'erased:x' } },
      { user_id: 'ann', reason: 'rude', requested_by: key },
      { user_id: 'ben', reason: 'rude', requested_by: key },
      { user_id: 'ann', reason: null, requested_by: key },
    ]);
    expect(await sql.call('erase_actions', { ...args, after: 'b_by', most: 1 })).toEqual([
      { changed: '0', waiting: '1', reached: 'c_unfinished' },
    ]);
  });
});

describe('action_concerns', () => {
  test.each<[string, object, boolean]>([
    ['against the user', { user_id: 'ann' }, true],
    ['against the user, after their erasure', { user_id: 'erased:x' }, true],
    ['of the user', { requested_by: { kind: 'user', id: 'ann' } }, true],
    ['of an API key', { requested_by: { kind: 'apiKey', id: 'ann' } }, false],
    ['against another', { user_id: 'ben' }, false],
    ['of another tenant', { tenant_id: 'ten_f', user_id: 'ann' }, false],
  ])('an action %s', async (_, row, concerns) => {
    for (const id of ['ten_e', 'ten_f']) await sql.insert('tenants', { id });
    await sql.insert('actions', { tenant_id: 'ten_e', id: 'act_c', ...row });
    const args = { tenant: 'ten_e', action: 'act_c', user: 'ann', name: 'erased:x' };
    expect(await sql.value('action_concerns', args)).toBe(concerns);
  });
});

describe('has_actions_in_space', () => {
  test('tells of the space, and of no other', async () => {
    for (const tenant_id of ['t', 't_other']) {
      await sql.insert('tenants', { id: tenant_id });
      for (const id of ['full', 'empty']) await sql.insert('spaces', { tenant_id, id });
    }
    await sql.insert('actions', { tenant_id: 't', space_id: 'full' });
    const has = (tenant: string, space: string) => sql.value('has_actions_in_space', { tenant, space });
    expect([await has('t', 'full'), await has('t', 'empty'), await has('t_other', 'full')]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

describe('replace_grants', () => {
  test('acts on the grants as a moderator who revokes them, and the service is who did it', async () => {
    for (const id of ['old', 'other'])
      await sql.insert('grants', {
        tenant_id: 'ten',
        space_id: 'spc',
        id,
        expires_at: inHours(5),
        session_expires_at: inHours(5),
      });
    await sql.valueOf(
      'replace_grants',
      `(select t from public.tenants as t where id = 'ten'), 'spc', 'ann', '{old}', 'act_new', 'aud_new', 'request', $1`,
      [limits],
    );
    const [action] = await sql.query(`select kind, user_id, reason, requested_by from actions where id = 'act_new'`);
    expect(action).toEqual({
      kind: 'grants.revoke',
      user_id: 'ann',
      reason: 'stagedoor:newer_token',
      requested_by: { kind: 'system', id: 'one-live-token' },
    });
    expect(await list(sql, `select grant_id from holds where action_id = 'act_new'`)).toEqual(['old']);
    expect(await list(sql, `select details ->> 'grantIds' from audit where id = 'aud_new'`)).toEqual(['["old"]']);
  });
});

describe('acts_since', () => {
  test('counts the acts of the tenant since then, as far as it is told', async () => {
    await sql.insert('tenants', { id: 'ten_acts' });
    await sql.insert('actions', { tenant_id: 'ten', created_at: inSeconds(-5) });
    for (const seconds of [-61, -30, -5]) {
      await sql.insert('actions', { tenant_id: 'ten_acts', created_at: inSeconds(seconds) });
    }
    const [since] = await sql.query(`select now() - interval '1 minute' as at`);
    const count = (most: number) => sql.value('acts_since', { tenant: 'ten_acts', since: since?.['at'] as Date, most });
    expect({ all: await count(10), some: await count(1) }).toEqual({ all: 2, some: 1 });
  });
});
