/** `cancel_action` ends what an action that is being undone still wants, some of it in each step. */
import {
  deliveries,
  grantStates,
  holds,
  insertDelivery,
  insertHold,
  insertTwoTenants,
  list,
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

const cancel = (cancelledAtOnce = 3) =>
  sql.value<boolean>('cancel_action', {
    tenant: 'ten',
    action: 'act',
    why: 'lifted',
    limits: limitsWith({ cancelledAtOnce }),
  });
const openDeliveries = () =>
  list(sql, `select target from deliveries where tenant_id = 'ten' and state in ('pending', 'stuck') order by id`);

async function insertMany(deliveriesToMake: number, holdsToMake: number): Promise<void> {
  for (let nth = 0; nth < deliveriesToMake; nth++) await insertDelivery(sql, { target: `target${nth}` });
  for (let nth = 0; nth < holdsToMake; nth++) await insertHold(sql, { grant_id: `grt_${nth}` });
}

describe('cancel_action', () => {
  test.each([
    ['nothing', 0, 0, true, 0, 0],
    ['fewer deliveries and holds than one step takes', 2, 2, true, 0, 0],
    ['as many deliveries as one step takes: there may be more', 3, 0, false, 0, 0],
    ['as many holds as one step takes: there may be more', 0, 3, false, 0, 0],
    ['more deliveries than one step takes', 4, 1, false, 1, 0],
    ['more holds than one step takes', 1, 5, false, 0, 2],
  ])('of %s', async (_, deliveriesThere, holdsThere, wasAll, deliveriesLeft, holdsLeft) => {
    await insertMany(deliveriesThere, holdsThere);
    expect(await cancel()).toBe(wasAll);
    expect(await openDeliveries()).toHaveLength(deliveriesLeft);
    expect(await holds(sql)).toHaveLength(holdsLeft);
    const released = Object.values(await grantStates(sql)).filter((state) => state === 'released');
    expect(released).toHaveLength(holdsThere - holdsLeft);
  });

  test('comes to an end in steps', async () => {
    await insertMany(7, 4);
    expect([await cancel(), await cancel(), await cancel(), await cancel()]).toEqual([false, false, true, true]);
    expect(await openDeliveries()).toEqual([]);
    expect(await holds(sql)).toEqual([]);
  });

  test('forgets the grants that the action had still to act on, whatever it watches for', async () => {
    for (const row of [
      { tenant_id: 'ten', action_id: 'act' },
      { tenant_id: 'ten', action_id: 'act', watch_for: 'demoted' },
      { tenant_id: 'ten', action_id: 'act_beside' },
      { tenant_id: 'ten_other', action_id: 'act' },
    ]) {
      await sql.insert('unfinished_actions', row);
    }
    expect(await cancel()).toBe(true);
    expect(await list(sql, `select tenant_id || ' ' || action_id from unfinished_actions order by 1`)).toEqual([
      'ten act_beside',
      'ten_other act',
    ]);
  });

  test('leaves what other actions and other tenants want', async () => {
    await insertDelivery(sql, { target: 'mine' });
    await insertDelivery(sql, { action_id: 'act_beside', target: 'beside' });
    const foreign = await insertDelivery(sql, { tenant_id: 'ten_other' });
    await insertHold(sql, { grant_id: 'grt_mine' });
    await insertHold(sql, { grant_id: 'grt_shared' });
    await insertHold(sql, { grant_id: 'grt_shared', action_id: 'act_beside' });
    await insertHold(sql, { tenant_id: 'ten_other', grant_id: 'grt_mine' });
    expect(await cancel()).toBe(true);
    expect(await openDeliveries()).toEqual(['beside']);
    expect(await list(sql, 'select state from deliveries where id = $1', [foreign])).toEqual(['pending']);
    expect(await holds(sql)).toEqual(['grt_shared act_beside gone']);
    expect(await grantStates(sql)).toEqual({ grt_mine: 'released', grt_shared: 'watched' });
    expect(await grantStates(sql, 'ten_other')).toEqual({ grt_mine: 'watched' });
  });

  test('notes in a delivery why it was cancelled, and leaves those that were made', async () => {
    await insertDelivery(sql, { target: 'open' });
    await insertDelivery(sql, { target: 'made', state: 'done', last_error: null });
    await cancel();
    expect(await deliveries(sql)).toHaveLength(2);
    expect(
      await sql.query('select target, state, last_error, done_at is not null as is_over from deliveries order by id'),
    ).toEqual([
      { target: 'open', state: 'expired', last_error: 'lifted', is_over: true },
      { target: 'made', state: 'done', last_error: null, is_over: false },
    ]);
  });

  test('raises an error if the limit is missing', async () => {
    await expect(
      sql.value('cancel_action', { tenant: 'ten', action: 'act', why: 'lifted', limits: {} }),
    ).rejects.toThrow('the limit cancelledAtOnce was not passed');
  });
});
