/** `silence_action` notes the moment from which nobody is connected whom an action is about. */
import {
  hours,
  inHours,
  insertDelivery,
  insertHold,
  insertTwoTenants,
  insertWatch,
  list,
  waitsFor,
} from '../../support/moderation-rows.ts';
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const silence = (action = 'act_loud') =>
  sql.value<{ kind: string; seconds: number } | null>('silence_action', { tenant: 'ten', action });
const silencedAt = () =>
  list(sql, `select ${hours('silenced_at')} from actions where tenant_id = 'ten' and id = 'act_loud'`);

const loud = { tenant_id: 'ten', id: 'act_loud', kind: 'space.freeze', requested_at: inHours(-2) };

/** A look at a stage that fails, and an action that rests on it. */
async function failingLook(action: string): Promise<void> {
  await insertHold(sql, { action_id: action });
  await insertWatch(sql, { failing_from: inHours(-1) });
}

describe('silence_action', () => {
  const delivery = (row = {}) => insertDelivery(sql, { action_id: 'act_loud', ...row });

  test.each<[string, () => Promise<unknown>]>([
    ['without deliveries', () => Promise.resolve()],
    ['whose deliveries were made', () => delivery({ state: 'done' })],
    ['whose delivery found nobody', () => delivery({ state: 'not_connected' })],
    ['whose delivery nobody needs any more', () => delivery({ state: 'expired' })],
    ['that waits for a follow-up alone', () => delivery({ follow_up: true })],
    ['that still holds a grant', () => insertHold(sql, { action_id: 'act_loud' })],
    ['beside a look that fails, for another action', () => failingLook('act')],
    ['beside open deliveries of another action', () => delivery({ action_id: 'act' })],
    ['beside open deliveries of another tenant', () => delivery({ tenant_id: 'ten_other', action_id: 'act' })],
    [
      'beside another unfinished action',
      () => sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act' }),
    ],
  ])('notes that an action is silent %s, and says how long it took', async (_, arrange) => {
    await sql.insert('actions', loud);
    await arrange();
    const said = await silence();
    expect(said).toEqual({ kind: 'space.freeze', seconds: expect.any(Number) });
    expect(Math.round((said?.seconds ?? 0) / 3600)).toBe(2);
    expect(await silencedAt()).toEqual([0]);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['with a delivery to make', () => delivery()],
    ['that rests on a look that fails', () => failingLook('act_loud')],
    ['with a delivery that IVS refuses', () => delivery({ state: 'stuck' })],
    ['with a delivery that is under way', () => delivery({ leased_until: inHours(1) })],
    [
      'that has grants left to act on',
      () => sql.insert('unfinished_actions', { tenant_id: 'ten', action_id: 'act_loud' }),
    ],
  ])('does not note it of an action %s', async (_, arrange) => {
    await sql.insert('actions', loud);
    await arrange();
    expect(await silence()).toBeNull();
    expect(await silencedAt()).toEqual([null]);
  });

  test('says it once, and notes the latest time', async () => {
    await sql.insert('actions', { ...loud, silenced_at: inHours(-1) });
    expect(await silence()).toBeNull();
    expect(await silencedAt()).toEqual([0]);
  });

  test('leaves the earlier time while something is open again', async () => {
    await sql.insert('actions', { ...loud, silenced_at: inHours(-1) });
    await delivery();
    expect(await silence()).toBeNull();
    expect(await silencedAt()).toEqual([-1]);
  });

  test('changes no other action', async () => {
    await sql.insert('actions', loud);
    await silence();
    expect(await list(sql, 'select id from actions where silenced_at is not null')).toEqual(['act_loud']);
  });
});

describe('silence_action, asked by two replicas at once,', () => {
  let other: SqlSession;
  beforeAll(async () => (other = await sql.another()));
  afterAll(() => other.stop());

  test('answers the first alone: the second waits for it', async () => {
    await sql.insert('actions', { ...loud, id: 'act_of_two' });
    await sql.commit();
    await sql.begin();
    expect(await silence('act_of_two')).not.toBeNull();
    const second = () => other.value('silence_action', { tenant: 'ten', action: 'act_of_two' });
    expect(await waitsFor(sql, other, second)).toBeNull();
  });
});
