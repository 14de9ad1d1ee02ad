/** The functions that write the events of actions. */
import { limits } from '../../../src/limits.ts';
import { inHours, insertDelivery, insertHold, insertTwoTenants, insertWatch } from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  await sql.query('update actions set delivery_told = true');
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

const action = {
  tenant_id: 'ten',
  id: 'act_new',
  kind: 'ban',
  space_id: 'spc',
  user_id: 'ann',
  look_again_at: inSeconds(-1),
};

/** The events of `ten`, in the order of writing. */
const events = () =>
  sql.query(`select type, space_id, user_id, data from events where tenant_id = 'ten' order by written`);

describe('action_event', () => {
  test('names the action, its space and its user, beside what the event has of its own', async () => {
    await sql.insert('actions', action);
    const expression = `(select a from actions as a where id = 'act_new'), 'action.silenced', '{"seconds": 1}'`;
    expect(await sql.valueOf('action_event', expression)).toEqual({
      type: 'action.silenced',
      spaceId: 'spc',
      userId: 'ann',
      data: { actionId: 'act_new', kind: 'ban', seconds: 1 },
    });
  });
});

describe('announce_delivered_actions', () => {
  const announce = async (most = 10) => Number(await sql.value('announce_delivered_actions', { most }));
  const told = {
    type: 'action.delivered',
    space_id: 'spc',
    user_id: 'ann',
    data: { actionId: 'act_new', kind: 'ban' },
  };
  const delivery = (row: Row = {}) => insertDelivery(sql, { action_id: 'act_new', ...row });

  test.each<[string, () => Promise<unknown>]>([
    ['without deliveries', () => Promise.resolve()],
    ['whose deliveries have ended', () => delivery({ state: 'not_connected' })],
    ['that still holds a grant, and whose looks work', () => insertHold(sql, { action_id: 'act_new' })],
    ['beside an open delivery of another action', () => delivery({ action_id: 'act' })],
    ['beside an open delivery of another tenant', () => delivery({ tenant_id: 'ten_other', action_id: 'act' })],
  ])('tells once of an action %s', async (_, arrange) => {
    await sql.insert('actions', action);
    await arrange();
    expect([await announce(), await announce()]).toEqual([1, 0]);
    expect(await events()).toEqual([told]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['an open delivery', () => delivery()],
    ['an open follow-up', () => delivery({ follow_up: true })],
    ['a stuck delivery', () => delivery({ state: 'stuck' })],
    [
      'grants that it has not treated',
      () => sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act_new' }),
    ],
    [
      'a look that fails',
      async () => {
        await insertHold(sql, { action_id: 'act_new' });
        await insertWatch(sql, { failing_from: inHours(-1) });
      },
    ],
  ])('looks again later at an action with %s', async (_, arrange) => {
    await sql.insert('actions', { ...action, created_at: inSeconds(-20) });
    await arrange();
    expect([await announce(), await announce()]).toEqual([1, 0]);
    expect(await events()).toEqual([]);
    const [next] = await sql.query(`select round(extract(epoch from look_again_at - now()))::int as seconds
                                      from actions where id = 'act_new'`);
    expect(next).toEqual({ seconds: 5 });
  });

  test('looks at no more than the limit, those first that wait longest', async () => {
    for (const n of [1, 2, 3])
      await sql.insert('actions', { ...action, id: `act_${n}`, look_again_at: inSeconds(-10 + n) });
    expect(await announce(2)).toBe(2);
    expect((await events()).map(({ data }) => (data as Row)['actionId'])).toEqual(['act_1', 'act_2']);
  });

  test('looks at no action before its time', async () => {
    await sql.insert('actions', { ...action, look_again_at: inSeconds(60) });
    expect(await announce()).toBe(0);
  });
});

describe('note_stuck_action', () => {
  const stuck = { tenant: 'ten', action: 'act_new', operation: 'DisconnectUser', target: 'ann', error: 'denied' };

  test('tells once that IVS refuses a call of an action', async () => {
    await sql.insert('actions', action);
    await sql.call('note_stuck_action', stuck);
    await sql.call('note_stuck_action', { ...stuck, target: 'bob' });
    expect(await events()).toEqual([
      {
        type: 'action.stuck',
        space_id: 'spc',
        user_id: 'ann',
        data: { actionId: 'act_new', kind: 'ban', operation: 'DisconnectUser', target: 'ann', error: 'denied' },
      },
    ]);
  });

  test('tells nothing of an action that is not there', async () => {
    await sql.call('note_stuck_action', { ...stuck, tenant: 'ten_other' });
    expect(await events()).toEqual([]);
  });
});

test('silence_action tells once that an action has silenced everybody', async () => {
  await sql.insert('actions', { ...action, requested_at: inHours(-1) });
  for (let n = 0; n < 2; n++) await sql.value('silence_action', { tenant: 'ten', action: 'act_new' });
  const [silenced, ...others] = await events();
  expect(others).toEqual([]);
  expect(silenced).toMatchObject({ type: 'action.silenced', data: { actionId: 'act_new', kind: 'ban' } });
  expect(Math.round(Number((silenced?.['data'] as Row | undefined)?.['seconds']) / 3600)).toBe(1);
});

test('finish_delivery tells that IVS refuses a call, and nothing of a call that is repeated', async () => {
  await sql.insert('actions', action);
  const outcome = { tenant: 'ten', attempt: 1, retrySeconds: 30, landsSeconds: 0, limits };
  const repeated = await insertDelivery(sql, { action_id: 'act_new', attempts: 1 });
  await sql.value('finish_delivery', { id: repeated, ...outcome, state: 'pending', error: 'throttled' });
  expect(await events()).toEqual([]);
  const refused = await insertDelivery(sql, { action_id: 'act_new', attempts: 1, target: 'participant' });
  await sql.value('finish_delivery', { id: refused, ...outcome, state: 'stuck', error: 'denied' });
  expect(await events()).toMatchObject([{ type: 'action.stuck', data: { target: 'participant', error: 'denied' } }]);
});
