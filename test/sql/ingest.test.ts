/** The functions of what EventBridge brings. */
import { hours, inHours, insertHold, insertTwoTenants, insertWatch } from '../support/moderation-rows.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

const arn = (id: string, kind = 'stage') =>
  `arn:aws:${kind === 'stage' ? 'ivs' : 'ivschat'}:us-east-1:111122223333:${kind}/${id}`;

beforeAll(async () => {
  sql = await SqlSession.start();
  await insertTwoTenants(sql);
  await sql.insert('tenants', {
    id: 'ten_own',
    region: 'eu-west-1',
    aws_role_arn: 'arn:aws:iam::444455556666:role/ivs',
    aws_external_id: 'ext',
  });
  const stage_arn = 'arn:aws:ivs:eu-west-1:444455556666:stage/own';
  await sql.insert('spaces', { tenant_id: 'ten_own', id: 'spc_own', stage_arn });
  await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_a', stage_arn: arn('a') });
  await sql.insert('spaces', { tenant_id: 'ten', id: 'spc_gone', stage_arn: arn('gone'), deleted_at: inSeconds(-1) });
  for (const [tenant_id, kind, value] of [
    ['ten', 'stage', arn('a')],
    ['ten', 'room', arn('a', 'room')],
    ['ten', 'stage', arn('gone')],
    ['ten_own', 'stage', stage_arn],
  ])
    await sql.insert('reservations', { tenant_id, kind, value });
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

/** A rate of none: only what is saved up can be taken, and nothing comes in while the test runs. */
const request = {
  kind: 'stage',
  arn: arn('a'),
  account: '111122223333',
  region: 'us-east-1',
  event: 'event',
  rate: 0,
  burst: 2,
};
const find = async (changed: Partial<typeof request> = {}) =>
  (await sql.call('find_ivs_event', { ...request, ...changed }))[0];

describe('find_ivs_event', () => {
  const own = { arn: 'arn:aws:ivs:eu-west-1:444455556666:stage/own', account: '444455556666', region: 'eu-west-1' };

  test.each<[string, Partial<typeof request>, string, string | null, string | null]>([
    ['of a stage', {}, 'new', 'ten', 'spc_a'],
    ['of a room', { kind: 'room', arn: arn('a', 'room') }, 'new', 'ten', null],
    ['of a stage that no tenant has', { arn: arn('none') }, 'resource', null, null],
    ['of a room named as a stage', { arn: arn('a', 'room') }, 'resource', null, null],
    ['of the stage of a deleted space', { arn: arn('gone') }, 'resource', null, null],
    ['of another Region', { region: 'us-west-2' }, 'account', 'ten', 'spc_a'],
    ['of a tenant with an account of its own', own, 'new', 'ten_own', 'spc_own'],
    ['of another account than its tenant has', { ...own, account: '111122223333' }, 'account', 'ten_own', 'spc_own'],
  ])('finds an event %s', async (_, changed, outcome, tenant_id, space_id) => {
    await sql.become('stagedoor_test_service');
    expect(await find(changed)).toEqual({ outcome, tenant_id, space_id });
  });

  test('knows an event that is kept, and not the event of another tenant with the same id', async () => {
    await sql.insert('ivs_events', { tenant_id: 'ten', id: 'event' });
    await sql.insert('ivs_events', { tenant_id: 'ten_other', id: 'other' });
    expect(await find()).toMatchObject({ outcome: 'known' });
    expect(await find({ event: 'other' })).toMatchObject({ outcome: 'new' });
  });

  test('lets so many new events of a tenant in, and known ones beside them', async () => {
    await sql.insert('ivs_events', { tenant_id: 'ten', id: 'event' });
    const outcomes = [];
    for (const event of ['event', 'a', 'b', 'c', 'event']) outcomes.push((await find({ event }))?.['outcome']);
    expect(outcomes).toEqual(['known', 'new', 'new', 'busy', 'known']);
    expect(await find(own)).toMatchObject({ outcome: 'new' });
  });
});

describe('keep_ivs_event', () => {
  const rates = { tenant: { rate: 0, burst: 1 }, account: { rate: 0, burst: 1 } };
  const event = { id: 'event', type: 'IVS Stage Update', at: '2026-11-26T12:00:00.000Z', detail: { a: 1 } };
  const keep = (changed: object = {}, space: string | null = 'spc') =>
    sql.value('keep_ivs_event', {
      tenant: 'ten',
      space,
      event: { ...event, participantId: 'participant', userId: 'ann', ...changed },
      rates,
    });

  test('keeps an event once', async () => {
    await sql.become('stagedoor_test_service');
    expect([await keep(), await keep({ detail: { a: 2 } })]).toEqual([true, false]);
    await sql.query('reset role');
    const rows = await sql.query('select tenant_id, id, space_id, type, detail, at from ivs_events');
    expect(rows).toEqual([
      { tenant_id: 'ten', ...event, space_id: 'spc', participantId: undefined, at: new Date(event.at) },
    ]);
  });

  test('keeps an event about a room, and one without detail', async () => {
    expect(await keep({ detail: undefined }, null)).toBe(true);
    expect(await sql.query('select space_id, detail from ivs_events')).toEqual([{ space_id: null, detail: null }]);
  });

  test('makes the next look due for a new event alone', async () => {
    await insertWatch(sql, { next_at: inHours(1) });
    await insertHold(sql, { participant_id: 'participant' });
    const next = async () => (await sql.query(`select ${hours('next_at')} as next from watches`))[0]?.['next'];
    await sql.insert('ivs_events', { tenant_id: 'ten', id: 'before' });
    await keep({ id: 'before' });
    expect(await next()).toBe(1);
    await keep();
    expect(await next()).toBe(0);
  });
});

describe('sweep_ivs_events', () => {
  const sweep = (afterTenant = '', kept = 100, most = 100) =>
    sql.call('sweep_ivs_events', { afterTenant, olderThan: '2 hours', kept, most });
  const kept = async () =>
    (await sql.query(`select tenant_id || ' ' || id as event from ivs_events order by 1`)).map((row) => row['event']);

  test('drops the events of one tenant after the other that are too old', async () => {
    for (const tenant_id of ['ten', 'ten_own']) {
      await sql.insert('ivs_events', { tenant_id, id: 'old', received_at: inHours(-3) });
      await sql.insert('ivs_events', { tenant_id, id: 'new', received_at: inHours(-1) });
    }
    await sql.become('stagedoor_test_service');
    expect(await sweep()).toEqual([{ tenant_id: 'ten', dropped: '1' }]);
    expect(await sweep('ten')).toEqual([{ tenant_id: 'ten_own', dropped: '1' }]);
    expect(await sweep('ten_own')).toEqual([]);
    await sql.query('reset role');
    expect(await kept()).toEqual(['ten new', 'ten_own new']);
  });

  test('keeps the newest, and drops the oldest first', async () => {
    for (const n of [1, 2, 3, 4, 5])
      await sql.insert('ivs_events', { tenant_id: 'ten', id: `${n}`, received_at: inSeconds(-100 * n) });
    expect(await sweep('', 2, 1)).toEqual([{ tenant_id: 'ten', dropped: '1' }]);
    expect(await kept()).toEqual(['ten 1', 'ten 2', 'ten 3', 'ten 4']);
    expect(await sweep('', 2)).toEqual([{ tenant_id: 'ten', dropped: '2' }]);
    expect(await sweep('', 2)).toEqual([{ tenant_id: 'ten', dropped: '0' }]);
    expect(await kept()).toEqual(['ten 1', 'ten 2']);
  });
});

describe('drop_ivs_events_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['ivs_events', { id: 'a' }],
      ['ivs_events', { id: 'b' }],
    ];
    await expectDropped(sql, ['ivs_events'], rows, (args) => sql.value('drop_ivs_events_of_tenant', args));
  });
});

describe('erase_ivs_events', () => {
  test('puts the name into events of IVS', async () => {
    await sql.insert('tenants', { id: 'ten_e' });
    const put = (id: string, detail: object | null) => sql.insert('ivs_events', { tenant_id: 'ten_e', id, detail });
    await put('a', { user_id: 'ann', event_name: 'Participant Published' });
    await put('b', { user_id: 'ben' });
    await put('c', null);
    const args = { tenant: 'ten_e', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_ivs_events', args)).toEqual([{ changed: '1', waiting: '0', reached: null }]);
    expect(await sql.query(`select detail from ivs_events where tenant_id = 'ten_e' order by id`)).toEqual([
      { detail: { user_id: 'erased:x', event_name: 'Participant Published' } },
      { detail: { user_id: 'ben' } },
      { detail: null },
    ]);
    expect(await sql.call('erase_ivs_events', { ...args, most: 3 })).toEqual([
      { changed: '0', waiting: '0', reached: 'c' },
    ]);
  });
});
