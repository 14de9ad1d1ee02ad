/** `finish_watch`, as a table: what a look has shown, and what follows for the watch, the holds and the deliveries. */
import { limits } from '../../../src/limits.ts';
import {
  deliveries,
  grantStates,
  holds,
  hours,
  inHours,
  insertDelivery,
  insertHold,
  insertTwoTenants,
  insertWatch,
  list,
  startsToWait,
} from '../../support/moderation-rows.ts';
import { inSeconds, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

/** The time of the look: long ago, so that it does not matter how long the test takes. */
const lookedAt = '2020-01-01T00:00:00.000Z';
const beforeLook = '2019-12-31T00:00:00Z';

/** A step that ends the look that it has begun. */
const step: Row = { since: lookedAt, nextIn: 2 * 3600, unspent: 0 };

const request = { tenant: 'ten', space: 'spc', lookedAt, connected: {} as Row, step, burst: 4, limits };

const finish = (connected: Row = {}, session = sql, more: Row = {}) =>
  session.value<number>('finish_watch', { ...request, connected, step: { ...step, ...more } });

/** A stage that is being looked at, and a hold in it that the look is for. */
const watch = (row: Row = {}) => insertWatch(sql, { next_at: beforeLook, leased_until: inHours(1), ...row });
const hold = (row: Row = {}, grant: Row = {}) =>
  insertHold(sql, { participant_id: 'part', watch_from: beforeLook, expires_at: inHours(1), ...row }, grant);
const expired = { expires_at: beforeLook };

async function watchLeft(): Promise<Row | null> {
  const [row] = await sql.query(
    `select ${hours('next_at')} as next, leased_until = 'epoch' as is_free
       from watches where tenant_id = 'ten' and space_id = 'spc'`,
  );
  return row ?? null;
}

const found = { part: { userId: 'ann', publishing: true } };
const call = 'DisconnectParticipant part';

describe('finish_watch', () => {
  test.each<[string, Row, Row, number, unknown[], unknown[], Row | null]>([
    [
      'a token that can still be used, and nobody inside: the watch goes on',
      {},
      {},
      0,
      [],
      ['grt act gone'],
      { next: 2, is_free: true },
    ],
    [
      'somebody inside who should be gone: they are disconnected, and the watch goes on',
      {},
      found,
      1,
      [call],
      ['grt act gone'],
      { next: 2, is_free: true },
    ],
    [
      'somebody inside whose token has expired: the watch goes on until they are gone',
      expired,
      found,
      1,
      [call],
      ['grt act gone'],
      { next: 2, is_free: true },
    ],
    ['an expired token and nobody inside: the watch is over', expired, {}, 0, [], [], null],
    ['a chat token alone: the watch is over', { kind: 'chat' }, {}, 0, [], ['grt act gone'], null],
    ['a ban that has run out: the watch is over', { until: inSeconds(-1) }, found, 0, [], [], null],
    [
      'a ban that is still in force: the watch goes on',
      { until: inHours(1) },
      {},
      0,
      [],
      ['grt act gone'],
      { next: 2, is_free: true },
    ],
    ['a hold in another space: the watch is over', { space_id: 'spc_beside' }, found, 0, [], ['grt act gone'], null],
  ])('with %s', async (_, row, connected, count, calls, held, left) => {
    await watch();
    await hold(row);
    expect(await finish(connected)).toBe(count);
    expect(await deliveries(sql)).toEqual(calls);
    expect(await holds(sql)).toEqual(held);
    expect(await watchLeft()).toEqual(left);
  });

  test('with nothing held: the watch is over', async () => {
    await watch();
    expect(await finish(found)).toBe(0);
    expect(await watchLeft()).toBeNull();
  });

  test.each([
    ['before the look: it was this one', '2019-12-31T23:59:59.999Z', null],
    ['at the time of the look', lookedAt, lookedAt],
    ['after the look', '2020-01-01T00:00:00.001Z', '2020-01-01T00:00:00.001Z'],
  ])('with nothing held and the next look due %s', async (_, nextAt, left) => {
    await watch({ next_at: nextAt });
    await finish();
    expect(await sql.query(`select next_at, leased_until from watches`)).toEqual(
      left === null ? [] : [{ next_at: new Date(left), leased_until: new Date(0) }],
    );
  });

  test('with no watch: it takes in nothing', async () => {
    await hold(expired);
    await hold({ grant_id: 'grt_over', until: beforeLook });
    expect(await finish(found)).toBe(0);
    expect(await deliveries(sql)).toEqual([]);
    expect(await holds(sql)).toHaveLength(2);
    expect(await watchLeft()).toBeNull();
  });

  test('releases a grant whose ban has run out, unless another action holds it', async () => {
    await watch();
    await hold({ grant_id: 'grt_free', until: beforeLook });
    await hold({ grant_id: 'grt_held', until: beforeLook });
    await hold({ grant_id: 'grt_held', action_id: 'act_beside' });
    await finish();
    expect(await grantStates(sql)).toEqual({ grt_free: 'released', grt_held: 'watched' });
  });

  test('does not end a hold in the same step in which it disconnects somebody for it', async () => {
    await watch();
    await hold({ ...expired, watch_for: 'banned' });
    expect(await finish({ part_2: { userId: 'ann' }, part: { userId: 'ann' } })).toBe(2);
    expect(await holds(sql)).toEqual(['grt act banned']);
  });

  test('leaves an expired hold while a call about its grant is open', async () => {
    await watch();
    await hold(expired);
    await insertDelivery(sql, { grant_id: 'grt' });
    await finish();
    expect(await holds(sql)).toEqual(['grt act gone']);
    expect(await watchLeft()).toEqual({ next: 2, is_free: true });
  });

  test('counts only those whom nobody is disconnecting yet', async () => {
    await watch();
    await hold();
    await insertDelivery(sql, { target: 'part', grant_id: 'grt' });
    expect(await finish(found)).toBe(0);
  });

  test('puts the waiting calls in order', async () => {
    await watch();
    await hold();
    const waiting = { next_at: beforeLook };
    await insertDelivery(sql, { ...waiting, target: 'part', priority: 1 });
    await insertDelivery(sql, { ...waiting, target: 'away', priority: 0 });
    await finish(found);
    expect(await list(sql, `select target || ' ' || priority from deliveries order by 1`)).toEqual([
      'away 2',
      'part 0',
    ]);
  });

  test.each<[string, Row, Row, number | null]>([
    ['who was looked at waits for their next turn', {}, { part: { exceeds: false } }, 2],
    ['who exceeds is disconnected, and waits for their next turn', {}, { part: { exceeds: true } }, 2],
    ['who was not looked at does not wait', {}, { part: {} }, null],
    ['who is not connected does not wait', {}, {}, null],
    [
      'whose time began at the time of the look does not wait',
      { watch_from: lookedAt },
      { part: { exceeds: false } },
      null,
    ],
    ['in another space does not wait', { space_id: 'spc_beside' }, { part: { exceeds: false } }, null],
  ])('a demoted participant %s', async (_, row, connected, from) => {
    await watch();
    await hold({ watch_for: 'demoted', ...row });
    const unchanged = await list(sql, `select ${hours('watch_from')} from holds`);
    await finish(connected);
    const waits = `select round(extract(epoch from watch_from - clock_timestamp()))::int from holds`;
    expect(await list(sql, from === null ? `select ${hours('watch_from')} from holds` : waits)).toEqual(
      from === null ? unchanged : [from],
    );
  });

  test('of a look that goes on: disconnects whom it has found, and notes them', async () => {
    await watch();
    await hold(expired);
    await hold({ ...expired, grant_id: 'grt_away', participant_id: 'away' });
    const sweep = { nextToken: 'page 2' };
    expect(await finish(found, sql, { since: undefined, sweep, nextIn: 0 })).toBe(1);
    expect(await list(sql, 'select grant_id from holds where seen_at is not null')).toEqual(['grt']);
    expect(await holds(sql)).toEqual(['grt act gone', 'grt_away act gone']);
    expect(await list(sql, 'select sweep from watches')).toEqual([sweep]);
    // The last step does not find them again. They stay until a look that begins later.
    await sql.query(`update deliveries set state = 'done'`);
    await finish({});
    expect(await holds(sql)).toEqual(['grt act gone']);
    expect(await list(sql, 'select sweep from watches')).toEqual([null]);
    const next = '2020-01-01T00:00:01.000Z';
    await sql.value('finish_watch', { ...request, lookedAt: next, step: { ...step, since: next } });
    expect(await holds(sql)).toEqual([]);
  });

  test('gives back the calls that were not made', async () => {
    await watch();
    const pacing = { account: 'own us-east-1', operation: 'ListParticipants', allowance: 1, at: inHours(0) };
    await sql.insert('pacing', pacing);
    await finish({}, sql, { unspent: 2 });
    expect(await list(sql, 'select allowance from pacing')).toEqual([3]);
  });

  test('makes nobody else wait whom a look has looked at', async () => {
    await watch();
    await hold();
    await finish({ part: { exceeds: true } });
    expect(await sql.query('select watch_from from holds')).toEqual([{ watch_from: new Date(beforeLook) }]);
  });

  test('leaves the rows of other spaces and of other tenants', async () => {
    await watch();
    await watch({ space_id: 'spc_beside' });
    await watch({ tenant_id: 'ten_other' });
    await hold({ tenant_id: 'ten_other', ...expired });
    await hold({ space_id: 'spc_beside', ...expired });
    await hold({ tenant_id: 'ten_other', grant_id: 'grt_demoted', watch_for: 'demoted' });
    await finish({ part: { exceeds: false } });
    const beside = `select concat_ws(' ', tenant_id, space_id, next_at < '2020-01-01', leased_until > now()) from watches order by 1`;
    expect(await list(sql, beside)).toEqual(['ten spc_beside t t', 'ten_other spc t t']);
    expect(await list(sql, `select watch_from < '2020-01-01' from holds`)).toEqual([true, true, true]);
  });

  test('enters the tenant by itself, so that the service may call it from outside', async () => {
    await watch();
    await hold();
    await sql.become('stagedoor_test_service');
    expect(await finish(found)).toBe(1);
    expect(await watchLeft()).toEqual({ next: 2, is_free: true });
  });

  test.each([
    'stageStaySeconds',
    'stageReasonLength',
    'reprioritizedAtOnce',
    'lookMarginSeconds',
    'lookIntervalSeconds',
  ])('raises an error if the limit %s is missing', async (name) => {
    await watch();
    await expect(sql.value('finish_watch', { ...request, limits: { ...limits, [name]: null } })).rejects.toThrow(
      `the limit ${name} was not passed`,
    );
  });
});

describe('finish_watch, while somebody changes what is looked for,', () => {
  let other: SqlSession;
  beforeAll(async () => (other = await sql.another()));
  afterAll(() => other.stop());

  test('waits for them, sees what they hold, and does not end the watch', async () => {
    await watch();
    await sql.commit();
    await sql.begin();
    await sql.call('watch_spaces', { tenant: 'ten', spaces: ['spc'] });
    const { answer } = await startsToWait(sql, other, () => finish(found, other));
    await hold();
    await sql.commit();
    expect(await answer).toBe(1);
    await sql.begin();
    // What they hold is looked for at once.
    expect(await watchLeft()).toEqual({ next: 0, is_free: true });
    expect(await deliveries(sql)).toEqual([call]);
  });
});
