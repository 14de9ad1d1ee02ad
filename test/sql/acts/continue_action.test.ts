/** `continue_action` takes the next step of an action against very many grants. */
import { limits } from '../../../src/limits.ts';
import {
  deliveries,
  grantStates,
  holds,
  hours,
  inHours,
  insertDelivery,
  insertGrant,
  insertTwoTenants,
  list,
  startsToWait,
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

const step = (action = 'act') =>
  sql.call('continue_action', { tenant: 'ten', action, limits: limitsWith({ grantsAtOnce: 2 }) });
const rest = (row: Row = {}) => sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act', ...row });
const left = () => sql.query(`select grants, watch_for from unfinished_actions where tenant_id = 'ten'`);
const silenced = () => list(sql, `select id from actions where tenant_id = 'ten' and silenced_at is not null`);

/** Stage grants of a user each. Returns their ids. */
async function insertGrants(count: number, row: Row = {}): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, nth) => `grt_${nth}`);
  for (const id of ids) await insertGrant(sql, { id, user_id: `of ${id}`, participant_id: `in ${id}`, ...row });
  return ids;
}

describe('continue_action', () => {
  test.each([
    ['one grant: the last step', 1, [], ['grt_0']],
    ['as many grants as one step takes: the last step', 2, [], ['grt_0', 'grt_1']],
    ['more grants than one step takes', 3, ['grt_2'], ['grt_0', 'grt_1']],
    ['grants for several steps', 5, ['grt_2', 'grt_3', 'grt_4'], ['grt_0', 'grt_1']],
  ])('with %s', async (_, count, grantsLeft, actedOn) => {
    await rest({ grants: await insertGrants(count) });
    await step();
    expect(await left()).toEqual(grantsLeft.length > 0 ? [{ grants: grantsLeft, watch_for: 'gone' }] : []);
    expect(new Set(await deliveries(sql))).toEqual(new Set(actedOn.map((id) => `DisconnectParticipant in ${id}`)));
    expect(await holds(sql)).toEqual(actedOn.map((id) => `${id} act gone`));
    const states = Object.entries(await grantStates(sql)).filter(([, state]) => state === 'watched');
    expect(states.map(([id]) => id).sort()).toEqual(actedOn);
  });

  test('comes to an end in steps, in the order of the grants', async () => {
    const ids = await insertGrants(5);
    await rest({ grants: ids.toReversed() });
    const after: unknown[] = [];
    for (let nth = 0; nth < 4; nth++) {
      await step();
      after.push((await left())[0]?.['grants'] ?? null);
    }
    expect(after).toEqual([['grt_2', 'grt_1', 'grt_0'], ['grt_0'], null, null]);
    expect(await deliveries(sql)).toHaveLength(5);
  });

  test.each<[string, Row, string[], string[]]>([
    ['keep out', { keep_out: true }, ['grt_0 act gone'], ['spc']],
    ['look for the banned', { watch_for: 'banned' }, ['grt_0 act banned'], ['spc']],
    ['look for the demoted', { watch_for: 'demoted' }, ['grt_0 act demoted'], ['spc']],
    ['disconnect alone', { keep_out: false }, [], []],
  ])('does what the action was told to: %s', async (_, row, held, watched) => {
    await rest({ grants: await insertGrants(1), ...row });
    await step();
    expect(await holds(sql)).toEqual(held);
    expect(await list(sql, 'select space_id from watches')).toEqual(watched);
    expect(await deliveries(sql)).toHaveLength(row['watch_for'] === 'demoted' ? 0 : 1);
  });

  test.each([
    ['still to come', 2, 2],
    ['over', -2, 0],
  ])('gives the demoted the rest of their time, if it is %s', async (_, from, watchedFrom) => {
    await rest({ grants: await insertGrants(1), watch_for: 'demoted', watch_from: inHours(from) });
    await step();
    expect(await list(sql, `select ${hours('watch_from')} from holds`)).toEqual([watchedFrom]);
  });

  test('takes one of the two parts of an action, and the other the next time', async () => {
    const [first, second] = await insertGrants(2);
    await rest({ grants: [first], watch_for: 'demoted' });
    await rest({ grants: [second], watch_for: 'gone' });
    await step();
    expect(await left()).toHaveLength(1);
    await step();
    expect(await left()).toEqual([]);
    expect(await holds(sql)).toEqual(['grt_0 act demoted', 'grt_1 act gone']);
  });

  test('takes one of the two parts of an action, if both are about the same grants', async () => {
    const grants = await insertGrants(1);
    await rest({ grants, watch_for: 'demoted' });
    await rest({ grants, watch_for: 'gone', keep_out: false });
    await step();
    expect(await left()).toHaveLength(1);
  });

  test.each<[string, Row, unknown[]]>([
    [
      'if nothing is open after the last step',
      { kind: 'chat', expires_at: inHours(-2), session_expires_at: inHours(-1) },
      ['act'],
    ],
    ['but not while a delivery is open', {}, []],
  ])('notes that the action is silent, %s', async (_, grant, silent) => {
    await rest({ grants: await insertGrants(1, grant) });
    await step();
    expect(await silenced()).toEqual(silent);
  });

  test('does not note that the action is silent while grants are left', async () => {
    await rest({
      grants: await insertGrants(3, { kind: 'chat', expires_at: inHours(-2), session_expires_at: inHours(-1) }),
    });
    await step();
    expect(await silenced()).toEqual([]);
  });

  test.each([
    ['is finished', 'act'],
    ['is not there', 'act_gone'],
  ])('does nothing if the action %s', async (_, action) => {
    await rest({ action_id: 'act_beside', grants: await insertGrants(1) });
    await rest({ tenant_id: 'ten_other' });
    await step(action);
    expect(await left()).toEqual([{ grants: ['grt_0'], watch_for: 'gone' }]);
    expect(await deliveries(sql)).toEqual([]);
    expect(await list(sql, 'select space_id from watches')).toEqual([]);
    expect(await silenced()).toEqual([]);
  });

  test('leaves the unfinished action of the same id of another tenant', async () => {
    await rest({ grants: await insertGrants(1) });
    await rest({ tenant_id: 'ten_other', grants: ['grt_0'] });
    await step();
    expect(await list(sql, 'select tenant_id from unfinished_actions')).toEqual(['ten_other']);
  });

  test('enters the tenant by itself, so that the service may call it from outside', async () => {
    await rest({ grants: await insertGrants(1) });
    await sql.become('stagedoor_test_service');
    await step();
    expect(await deliveries(sql)).toEqual(['DisconnectParticipant in grt_0']);
  });

  test('raises an error if the limit is missing', async () => {
    await rest({ grants: await insertGrants(1) });
    await expect(sql.call('continue_action', { tenant: 'ten', action: 'act', limits: {} })).rejects.toThrow(
      'the limit grantsAtOnce was not passed',
    );
  });
});

describe('continue_action, while somebody undoes the action,', () => {
  let other: SqlSession;
  beforeAll(async () => (other = await sql.another()));
  afterAll(() => other.stop());

  test('waits for them, and then does nothing', async () => {
    await sql.insert('actions', { tenant_id: 'ten', id: 'act_undone' });
    await insertGrant(sql, { id: 'grt_of_undone' });
    await rest({ action_id: 'act_undone', grants: ['grt_of_undone'] });
    await insertDelivery(sql, { action_id: 'act_undone', target: 'earlier' });
    await sql.commit();
    await sql.begin();
    await sql.call('lock_actions', { tenant: 'ten', actions: ['act_undone'] });
    const { answer } = await startsToWait(sql, other, () =>
      other.call('continue_action', { tenant: 'ten', action: 'act_undone', limits }),
    );
    await sql.call('cancel_action', { tenant: 'ten', action: 'act_undone', why: 'lifted', limits });
    await sql.commit();
    await answer;
    await sql.begin();
    expect(await list(sql, `select target from deliveries where action_id = 'act_undone'`)).toEqual(['earlier']);
    expect(await list(sql, `select grant_id from holds where action_id = 'act_undone'`)).toEqual([]);
  });
});
