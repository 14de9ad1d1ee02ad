/** `hasten_looks`, as a table: whom an event may name, and how many looks events may bring forward. */
import { hours, inHours, insertHold, insertTwoTenants, insertWatch, list } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  await sql.insert('spaces', {
    tenant_id: 'ten',
    id: 'spc_deleted',
    stage_arn: null,
    former_stage_arn: 'stage:spc',
    deleted_at: inSeconds(-1),
  });
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

/** A rate of none: only what is saved up can be taken, and nothing comes in while the test runs. */
const rates = (tenant = 100, account = 100) => ({
  tenant: { rate: 0, burst: tenant },
  account: { rate: 0, burst: account },
});

const hasten = (changed: { tenant?: string; participant?: string; user?: string; rates?: object } = {}) =>
  sql.value('hasten_looks', {
    tenant: 'ten',
    space: 'spc',
    participant: 'participant',
    user: 'ann',
    rates: rates(),
    ...changed,
  });

/** The watches: `tenant space hours until the next step`. */
const watches = () =>
  list(sql, `select concat_ws(' ', tenant_id, space_id, ${hours('next_at')}) from watches order by 1`);

describe('hasten_looks', () => {
  test.each<[string, Record<string, unknown>, object, boolean]>([
    ['the participant of a hold', { participant_id: 'participant' }, { user: 'eve' }, true],
    ['the participant of a demotion', { participant_id: 'participant', watch_for: 'demoted' }, { user: '' }, true],
    ['a banned user with another token', { watch_for: 'banned' }, { participant: 'other' }, true],
    ['a user whose old grant is held', { watch_for: 'gone' }, { participant: 'other' }, false],
    ['somebody else', { watch_for: 'banned' }, { participant: 'other', user: 'eve' }, false],
    ['nobody', { watch_for: 'banned', ivs_user_id: '' }, { participant: '', user: '' }, false],
    ['a participant who may still change', { participant_id: 'participant', watch_from: inHours(1) }, {}, false],
    ['a chat user', { kind: 'chat', watch_for: 'banned', participant_id: 'participant' }, {}, false],
  ])('with an event about %s', async (_, hold, changed, isDue) => {
    await insertWatch(sql, { next_at: inHours(1) });
    await insertHold(sql, hold);
    expect(await hasten(changed)).toBe(isDue);
    expect(await watches()).toEqual([`ten spc ${isDue ? 0 : 1}`]);
  });

  test('does nothing where nothing is watched, and for another tenant', async () => {
    await insertHold(sql, { participant_id: 'participant' });
    expect(await hasten()).toBe(false);
    await insertWatch(sql, { next_at: inHours(1) });
    expect(await hasten({ tenant: 'ten_other' })).toBe(false);
    expect(await watches()).toEqual(['ten spc 1']);
  });

  test('has a look due again that a replica is taking, and leaves alone one that is due', async () => {
    await insertHold(sql, { participant_id: 'participant' });
    await insertWatch(sql, { next_at: inHours(-1) });
    expect(await hasten()).toBe(false);
    expect(await watches()).toEqual(['ten spc -1']);
    await sql.query(`update watches set leased_until = now() + interval '1 hour'`);
    expect(await hasten()).toBe(true);
    expect(await watches()).toEqual(['ten spc 0']);
  });

  test('has the watch of a deleted space due whose stage the space has now', async () => {
    await insertWatch(sql, { space_id: 'spc_deleted', next_at: inHours(1) });
    await insertWatch(sql, { next_at: inHours(1) });
    await insertHold(sql, { space_id: 'spc_deleted', participant_id: 'participant' });
    expect(await hasten()).toBe(true);
    expect(await watches()).toEqual(['ten spc 1', 'ten spc_deleted 0']);
  });

  test('brings so many looks of a tenant forward, and of an account', async () => {
    for (const tenant_id of ['ten', 'ten_other']) {
      await insertWatch(sql, { tenant_id, next_at: inHours(1) });
      await insertHold(sql, { tenant_id, participant_id: 'participant' });
    }
    const outcomes: unknown[] = [];
    for (const tenant of ['ten', 'ten', 'ten', 'ten_other', 'ten_other']) {
      await sql.query(`update watches set next_at = now() + interval '1 hour'`);
      outcomes.push(await hasten({ tenant, rates: rates(2, 3) }));
    }
    expect(outcomes).toEqual([true, true, false, true, false]);
  });

  test('is not for the service itself', async () => {
    await sql.become('stagedoor_test_service');
    await expect(hasten()).rejects.toMatchObject({ code: '42501' });
  });
});
