/** `act_on_grants`, as a table: grants and request, and the deliveries, holds and watches that it leaves. */
import { limits } from '../../../src/limits.ts';
import {
  deliveries,
  grantStates,
  holds,
  hours,
  inHours,
  insertGrant,
  insertTwoTenants,
  list,
  waitsFor,
} from '../../support/moderation-rows.ts';
import { limitsWith, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const request = {
  tenant: 'ten',
  action: 'act',
  grants: ['grt'] as string[] | null,
  keepOut: true,
  watchFor: 'gone',
  grace: '0',
  limits: limits as Row,
};

async function act(changed: Partial<typeof request> = {}): Promise<void> {
  await sql.call('act_on_grants', { ...request, ...changed });
}

const watched = () => list(sql, `select space_id from watches where tenant_id = 'ten' order by 1`);
const unfinished = () =>
  sql.query(
    `select grants, keep_out, watch_for, ${hours('watch_from')} as watch_from from unfinished_actions where tenant_id = 'ten'`,
  );

const stage = { kind: 'stage', participant_id: 'part', expires_at: inHours(1), session_expires_at: inHours(1) };
const expiredStage = { ...stage, expires_at: inHours(-1), session_expires_at: inHours(-1) };
const chat = { kind: 'chat', participant_id: null, expires_at: inHours(1), session_expires_at: inHours(3) };
const insideChat = { ...chat, expires_at: inHours(-1) };
const overChat = { ...insideChat, session_expires_at: inHours(-1) };

/** One grant, how it is acted on, and what is left: deliveries, holds, the grant's state, watched spaces. */
type Case = [what: string, grant: Row, how: Partial<typeof request>, left: [unknown[], unknown[], string, unknown[]]];

const out = 'DisconnectParticipant part';
const user = 'DisconnectUser ann';
const later = 'DisconnectUser ann later';
const disconnect = { keepOut: false };
const keepOut = { keepOut: true };
const ban = { keepOut: true, watchFor: 'banned' };
const demote = { keepOut: true, watchFor: 'demoted' };
const demoteOnce = { keepOut: false, watchFor: 'demoted' };

const stageCases: Case[] = [
  ['to disconnect', stage, disconnect, [[out], [], 'released', []]],
  ['to keep out', stage, keepOut, [[out], ['grt act gone'], 'watched', ['spc']]],
  ['to ban', stage, ban, [[out], ['grt act banned'], 'watched', ['spc']]],
  ['to demote: the participant may stay for now', stage, demote, [[], ['grt act demoted'], 'watched', ['spc']]],
  ['to demote without keeping out: there is nothing to do', stage, demoteOnce, [[], [], 'released', []]],
  ['that has expired, to disconnect: one look follows', expiredStage, disconnect, [[out], [], 'released', ['spc']]],
  ['that has expired, to keep out', expiredStage, keepOut, [[out], ['grt act gone'], 'watched', ['spc']]],
  ['that has expired, to ban', expiredStage, ban, [[out], ['grt act banned'], 'watched', ['spc']]],
  ['that has expired, to demote', expiredStage, demote, [[], ['grt act demoted'], 'watched', ['spc']]],
  ['without a participant, to disconnect', { ...stage, participant_id: null }, disconnect, [[], [], 'released', []]],
  [
    'without a participant, to keep out',
    { ...stage, participant_id: null },
    keepOut,
    [[], ['grt act gone'], 'watched', ['spc']],
  ],
  [
    'that another action watches already',
    { ...stage, state: 'watched' },
    keepOut,
    [[out], ['grt act gone'], 'watched', ['spc']],
  ],
  [
    'that was revoked with its signing key: its participant stays inside',
    { ...stage, state: 'revoked', mint: 'key-pair' },
    keepOut,
    [[out], ['grt act gone'], 'revoked', ['spc']],
  ],
  [
    'for a space whose stage is gone, to keep out',
    { ...stage, space_id: 'spc_bare' },
    keepOut,
    [[], ['grt act gone'], 'watched', ['spc_bare']],
  ],
];

const chatCases: Case[] = [
  ['to disconnect', chat, disconnect, [[user], [], 'released', []]],
  ['to keep out: a second call follows', chat, keepOut, [[user, later], ['grt act gone'], 'watched', []]],
  ['to ban', chat, ban, [[user, later], ['grt act banned'], 'watched', []]],
  ['to demote', chat, demote, [[user, later], ['grt act demoted'], 'watched', []]],
  ['to demote without keeping out', chat, demoteOnce, [[user], [], 'released', []]],
  ['that was used, to disconnect', insideChat, disconnect, [[user], [], 'released', []]],
  ['that was used, to keep out: one call is enough', insideChat, keepOut, [[user], ['grt act gone'], 'watched', []]],
  ['whose session is over, to disconnect', overChat, disconnect, [[], [], 'released', []]],
  ['whose session is over, to keep out', overChat, keepOut, [[], [], 'released', []]],
  [
    'that another action watches already',
    { ...chat, state: 'watched' },
    keepOut,
    [[user, later], ['grt act gone'], 'watched', []],
  ],
  [
    'for a space whose room is gone, to keep out',
    { ...chat, space_id: 'spc_bare' },
    keepOut,
    [[], ['grt act gone'], 'watched', []],
  ],
];

async function expectToLeave([, grant, how, left]: Case): Promise<void> {
  await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_bare', stage_arn: null, room_arn: null });
  await insertGrant(sql, { id: 'grt', ...grant });
  await act(how);
  const state = (await grantStates(sql))['grt'];
  expect([await deliveries(sql), await holds(sql), state, await watched()]).toEqual(left);
  expect(await unfinished()).toEqual([]);
}

describe('act_on_grants', () => {
  describe('on a stage grant', () => {
    test.each(stageCases)('%s', (...given) => expectToLeave(given));
  });

  describe('on a chat grant', () => {
    test.each(chatCases)('%s', (...given) => expectToLeave(given));
  });

  describe('on nothing', () => {
    test.each<[string, string[] | null]>([
      ['an empty list', []],
      ['no list', null],
      ['ids that are not there', ['grt_gone']],
    ])('leaves nothing: %s', async (_, grants) => {
      await insertGrant(sql, { id: 'grt' });
      await act({ grants });
      expect([await deliveries(sql), await holds(sql), await watched(), await unfinished()]).toEqual([[], [], [], []]);
      expect(await grantStates(sql)).toEqual({ grt: 'released' });
    });
  });

  describe('at the border', () => {
    /** Puts a time at the millisecond in which the transaction began, or so many after. */
    const atNow = (column: string, after: number) =>
      sql.query(
        `update grants set ${column} = date_trunc('milliseconds', now()) + make_interval(secs => $1::double precision)`,
        [after / 1000],
      );

    test.each([
      ['has expired when it expires now', 0, ['spc']],
      ['has not expired when it expires a millisecond later', 1, []],
    ])('a stage grant %s', async (_, after, spaces) => {
      await insertGrant(sql, { id: 'grt', ...stage });
      await atNow('expires_at', after);
      await act(disconnect);
      expect(await watched()).toEqual(spaces);
    });

    test.each([
      ['is over when it ends now', 0, [], [], 'released'],
      ['is not over when it ends a millisecond later', 1, [user], ['grt act gone'], 'watched'],
    ])('a chat session %s', async (_, after, calls, held, state) => {
      await insertGrant(sql, { id: 'grt', ...insideChat });
      await atNow('session_expires_at', after);
      await act();
      expect([await deliveries(sql), await holds(sql)]).toEqual([calls, held]);
      expect(await grantStates(sql)).toEqual({ grt: state });
    });

    test.each([
      ['when it expires now', 0, [user]],
      ['when it expires a millisecond later', 1, [user, later]],
    ])('a second call for a chat token, %s', async (_, after, calls) => {
      await insertGrant(sql, { id: 'grt', ...chat });
      await atNow('expires_at', after);
      await act();
      expect(await deliveries(sql)).toEqual(calls);
    });
  });

  describe('on several stage grants of one user', () => {
    /** Issued one after another: 0 is the newest. */
    const many = async (...rows: Row[]) => {
      for (const [nth, row] of rows.entries()) {
        await insertGrant(sql, {
          id: `grt_${nth}`,
          ...row,
          participant_id: `part_${nth}`,
          issued_at: inHours(-2 - nth),
        });
      }
      return rows.map((_, nth) => `grt_${nth}`);
    };
    const called = async () =>
      (await deliveries(sql)).map((call) => String(call).replace('DisconnectParticipant ', ''));

    test('disconnects the newest and the unexpired, and has one look at the older ones', async () => {
      const grants = await many(expiredStage, stage, expiredStage);
      await act({ ...disconnect, grants });
      expect(await called()).toEqual(['part_0', 'part_1']);
      expect(await holds(sql)).toEqual(['grt_2 act gone']);
      expect(await grantStates(sql)).toEqual({ grt_0: 'released', grt_1: 'released', grt_2: 'released' });
      expect(await watched()).toEqual(['spc']);
    });

    test('holds all of them to keep the user out', async () => {
      const grants = await many(expiredStage, stage, expiredStage);
      await act({ ...keepOut, grants });
      expect(await called()).toEqual(['part_0', 'part_1']);
      expect(await holds(sql)).toEqual(['grt_0 act gone', 'grt_1 act gone', 'grt_2 act gone']);
    });

    test.each([
      ['of a hoard the newest alone, to keep the user out', keepOut, ['part_0', 'part_1']],
      ['all of a hoard, to disconnect once', disconnect, ['part_0', 'part_1', 'part_2', 'part_3']],
    ])('disconnects %s', async (_, how, parts) => {
      const grants = await many(stage, stage, stage, stage);
      await act({ ...how, grants, limits: limitsWith({ disconnectsPerUser: 2 }) });
      expect(await called()).toEqual(parts);
    });

    test('does not take the newest of those it is given for the newest of the user', async () => {
      await many(stage, expiredStage);
      await act({ ...disconnect, grants: ['grt_1'] });
      expect(await called()).toEqual([]);
      expect(await holds(sql)).toEqual(['grt_1 act gone']);
    });

    test.each<[string, Row]>([
      ['of another user', { user_id: 'ben' }],
      ['of another space', { space_id: 'spc_beside' }],
      ['of another tenant', { tenant_id: 'ten_other' }],
      ['that was refused', { state: 'refused' }],
      ['for chat', { kind: 'chat' }],
      ['without a participant', { participant_id: null }],
    ])('counts no newer grant %s', async (_, row) => {
      await insertGrant(sql, { id: 'grt_newer', ...row });
      await insertGrant(sql, { id: 'grt', ...expiredStage, issued_at: inHours(-2) });
      await act(disconnect);
      expect(await deliveries(sql)).toEqual([out]);
      expect(await holds(sql)).toEqual([]);
    });
  });

  describe('on several chat grants', () => {
    test('writes one call for each user and room', async () => {
      const rows: [string, Row][] = [
        ['grt_1', chat],
        ['grt_2', chat],
        ['grt_3', { ...chat, space_id: 'spc_beside' }],
        ['grt_4', { ...chat, user_id: 'ben', ivs_user_id: 'ben' }],
      ];
      for (const [id, row] of rows) await insertGrant(sql, { id, ...row });
      await act({ ...disconnect, grants: rows.map(([id]) => id) });
      const calls = await list(sql, `select concat_ws(' ', arn, target, grant_id) from deliveries order by 1`);
      expect(calls).toEqual(['room:spc ann grt_2', 'room:spc ben grt_4', 'room:spc_beside ann grt_3']);
    });

    test('tries until the last session has ended, and follows up when the last token is unusable', async () => {
      await insertGrant(sql, { id: 'grt_1', ...chat, expires_at: inHours(5), session_expires_at: inHours(6) });
      await insertGrant(sql, { id: 'grt_2', ...chat, expires_at: inHours(2), session_expires_at: inHours(9) });
      const limits = limitsWith({ chatLateSeconds: 3600, followUpSeconds: 7200 });
      await act({ grants: ['grt_1', 'grt_2'], limits });
      const times = await sql.query(
        `select follow_up, priority, ${hours('next_at')} as next, ${hours('needed_until')} as needed from deliveries order by id`,
      );
      expect(times).toEqual([
        { follow_up: false, priority: 1, next: 0, needed: 10 },
        { follow_up: true, priority: 2, next: 7, needed: 10 },
      ]);
    });
  });

  describe('writes calls', () => {
    const call = async (columns: string) => await sql.query(`select ${columns} from deliveries order by id`);

    test('with everything that IVS and the delivery need', async () => {
      await insertGrant(sql, { id: 'grt', ...stage });
      await insertGrant(sql, { id: 'grt_chat', ...chat, ivs_user_id: 'p-ann' });
      await act({ ...disconnect, grants: ['grt', 'grt_chat'] });
      const columns = 'action_id, space_id, account, arn, target, grant_id, parameters, state, attempts, leased_until';
      const common = { action_id: 'act', space_id: 'spc', account: 'own us-east-1', state: 'pending', attempts: 0 };
      expect(await call(columns)).toEqual([
        {
          ...common,
          arn: 'stage:spc',
          target: 'part',
          grant_id: 'grt',
          parameters: {},
          leased_until: new Date(0),
        },
        {
          ...common,
          arn: 'room:spc',
          target: 'p-ann',
          grant_id: 'grt_chat',
          parameters: { userId: 'ann' },
          leased_until: new Date(0),
        },
      ]);
    });

    test('with the reason, as long as IVS takes it', async () => {
      // The other tenant's action has the same id, and comes first in the table.
      await sql.insert('actions', { tenant_id: 'ten_other', id: 'act_told', reason: 'theirs' });
      await sql.insert('actions', { tenant_id: 'ten', id: 'act_told', reason: 'abcdef' });
      await insertGrant(sql, { id: 'grt', ...stage });
      await insertGrant(sql, { id: 'grt_chat', ...chat });
      const limits = limitsWith({ stageReasonLength: 3, chatReasonLength: 5 });
      await act({ action: 'act_told', grants: ['grt', 'grt_chat'], limits });
      expect(await list(sql, `select parameters ->> 'reason' from deliveries order by id`)).toEqual([
        'abc',
        'abcde',
        'abcde',
      ]);
    });

    test.each([
      ['of a publisher first', ['SUBSCRIBE', 'PUBLISH'], 0],
      ['of a viewer after those of publishers', ['SUBSCRIBE'], 1],
    ])('%s', async (_, capabilities, priority) => {
      await insertGrant(sql, { id: 'grt', ...stage, capabilities });
      await act();
      expect(await call('priority')).toEqual([{ priority }]);
    });

    test('that are tried for as long as a participant may stay', async () => {
      await insertGrant(sql, { id: 'grt', ...stage });
      await act({ limits: limitsWith({ stageStaySeconds: 4 * 3600 }) });
      expect(await call(`${hours('needed_until')} as needed`)).toEqual([{ needed: 5 }]);
    });

    test('that are tried until the ban ends at the latest', async () => {
      await sql.insert('bans', { tenant_id: 'ten_other', id: 'ban', expires_at: inHours(1) });
      await sql.insert('bans', { tenant_id: 'ten', id: 'ban', expires_at: inHours(2) });
      await sql.insert('actions', { tenant_id: 'ten', id: 'act_ban', ban_id: 'ban' });
      await insertGrant(sql, { id: 'grt', ...stage });
      await insertGrant(sql, { id: 'grt_chat', ...chat });
      await act({ ...ban, action: 'act_ban', grants: ['grt', 'grt_chat'] });
      expect(await call(`${hours('needed_until')} as needed`)).toEqual([{ needed: 2 }, { needed: 2 }, { needed: 2 }]);
      expect(await list(sql, `select ${hours('until')} from holds`)).toEqual([2, 2]);
    });

    test('for the account of the tenant', async () => {
      await sql.query(
        `update tenants set aws_role_arn = 'role', aws_external_id = 'id', region = 'eu-west-1' where id = 'ten'`,
      );
      await insertGrant(sql, { id: 'grt', ...stage });
      await act();
      expect(await call('account')).toEqual([{ account: 'role eu-west-1' }]);
    });
  });

  describe('holds grants', () => {
    test('with everything that a look needs, from the end of the grace on', async () => {
      await insertGrant(sql, { id: 'grt', ...stage, ivs_user_id: 'p-ann' });
      await act({ ...demote, grace: '2 hours' });
      const held = await sql.query(
        `select space_id, kind, ivs_user_id, participant_id, until, ${hours('watch_from')} as watch_from,
                ${hours('expires_at')} as expires from holds`,
      );
      expect(held).toEqual([
        {
          space_id: 'spc',
          kind: 'stage',
          ivs_user_id: 'p-ann',
          participant_id: 'part',
          until: null,
          watch_from: 2,
          expires: 1,
        },
      ]);
    });

    test('beside the holds of another action', async () => {
      await insertGrant(sql, { id: 'grt', ...stage });
      await act();
      await act({ action: 'act_beside' });
      expect(await holds(sql)).toEqual(['grt act gone', 'grt act_beside gone']);
    });
  });

  test('makes the next look due now, if the stage is watched already', async () => {
    await sql.insert('watches', { tenant_id: 'ten', space_id: 'spc', next_at: inHours(5), leased_until: inHours(1) });
    await insertGrant(sql, { id: 'grt', ...stage });
    await act();
    expect(
      await sql.query(`select ${hours('next_at')} as next, ${hours('leased_until')} as leased from watches`),
    ).toEqual([{ next: 0, leased: 1 }]);
  });

  describe('on very many grants', () => {
    const insertMany = async (count: number) => {
      const ids = Array.from({ length: count }, (_, nth) => `grt_${nth}`);
      for (const id of ids) await insertGrant(sql, { id, ...stage, participant_id: id, user_id: id });
      return ids;
    };

    test.each([
      ['all of them, if they are no more than one step takes', 2, null],
      ['the first part, and keeps the rest for later', 3, ['grt_2']],
      ['the first part in the order in which they were given', 5, ['grt_2', 'grt_3', 'grt_4']],
    ])('takes %s', async (_, count, rest) => {
      const grants = await insertMany(count);
      await act({ ...demote, grants, grace: '2 hours', limits: limitsWith({ grantsAtOnce: 2 }) });
      expect(await holds(sql)).toEqual(['grt_0 act demoted', 'grt_1 act demoted']);
      const states = await grantStates(sql);
      expect(grants.map((id) => states[id])).toEqual(grants.map((_, nth) => (nth < 2 ? 'watched' : 'released')));
      expect(await unfinished()).toEqual(
        rest === null ? [] : [{ grants: rest, keep_out: true, watch_for: 'demoted', watch_from: 2 }],
      );
    });
  });

  test('does not touch the rows of the same ids of another tenant', async () => {
    await insertGrant(sql, { id: 'grt', ...stage });
    await insertGrant(sql, { id: 'grt', ...stage, tenant_id: 'ten_other', participant_id: 'part_other' });
    await act();
    expect(await grantStates(sql, 'ten_other')).toEqual({ grt: 'released' });
    for (const table of ['deliveries', 'holds', 'watches']) {
      expect(await list(sql, `select distinct tenant_id from ${table}`)).toEqual(['ten']);
    }
  });

  test.each([
    'grantsAtOnce',
    'disconnectsPerUser',
    'stageStaySeconds',
    'stageReasonLength',
    'chatLateSeconds',
    'followUpSeconds',
    'chatReasonLength',
  ])('raises an error if the limit %s is missing', async (name) => {
    await insertGrant(sql, { id: 'grt', ...stage });
    await expect(act({ limits: { ...limits, [name]: null } })).rejects.toThrow(`the limit ${name} was not passed`);
  });
});

describe('act_on_grants, beside another transaction,', () => {
  let other: SqlSession;
  beforeAll(async () => (other = await sql.another()));
  afterAll(() => other.stop());

  test.each([
    ['the grants that it takes', disconnect, 'lock_grants', { tenant: 'ten', ids: ['grt_locked'] }],
    ['the watches of the stages', keepOut, 'watch_spaces', { tenant: 'ten', spaces: ['spc'] }],
  ])('locks %s until the end', async (_, how, functionName, args) => {
    await sql.query(`delete from holds; delete from deliveries; delete from grants`);
    await insertGrant(sql, { id: 'grt_locked', ...stage });
    await sql.commit();
    await sql.begin();
    await act({ ...how, grants: ['grt_locked'] });
    await waitsFor(sql, other, () => other.call(functionName, args));
    await sql.begin();
  });
});
