/** The functions that make, lease, finish and delete deliveries to webhook endpoints. */
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, limitsWith, SqlSession } from '../support/sql.ts';

type Row = Record<string, unknown>;

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const id of ['ten', 'two']) await sql.insert('tenants', { id });
});
afterEach(() => sql.rollback());

const webhook = (id = 'whk', row: Row = {}) => sql.insert('webhooks', { tenant_id: 'ten', id, ...row });
const delivery = (id: string, row: Row = {}) =>
  sql.insert('webhook_deliveries', {
    tenant_id: 'ten',
    id,
    webhook_id: 'whk',
    ...row,
  });
let idsMade = 0;
const ids = (count = 10) => Array.from({ length: count }, () => `whd_new${++idsMade}`);

/** Puts events into the log, such as `ban.created a`: type and space. */
async function log(events: string[], tenant_id = 'ten'): Promise<void> {
  for (const event of events) {
    const [type, space_id = null] = event.split(' ');
    await sql.insert('events', { tenant_id, type, space_id });
  }
  await sql.call('number_events', { limit: 1_000 });
}

/** The deliveries in the order in which they were made, with some of their columns. */
async function made(...columns: string[]): Promise<unknown[]> {
  const rows = await sql.query(`select * from webhook_deliveries order by seq`);
  return rows.map((row) => (columns.length === 1 ? row[columns[0] ?? ''] : columns.map((column) => row[column])));
}

async function one(table: 'webhooks' | 'webhook_deliveries', id: string): Promise<Row> {
  const [row] = await sql.query(`select * from ${table} where id = $1`, [id]);
  return row ?? {};
}

describe('wants_event', () => {
  const at = '2026-03-01T19:00:00Z';
  test.each([
    [[], 'ban.created', null, true],
    [[], 'grant.issued', null, false],
    [['grant.issued'], 'grant.issued', null, true],
    [['ban.created'], 'ban.lifted', null, false],
    [['ban.created'], 'ban.created', at, true],
    [['ban.created'], 'ban.created', '2026-03-01T19:00:01Z', false],
  ])('of the types %j: %s, since %s: %s', async (types, type, since, wanted) => {
    expect(await sql.value('wants_event', { types, type, at, since })).toBe(wanted);
  });
});

describe('open_webhook_deliveries', () => {
  test('counts the open deliveries of the endpoint, to the most', async () => {
    await webhook();
    await webhook('other');
    await delivery('a');
    await delivery('b', { behind: true });
    await delivery('c', { state: 'delivered' });
    await delivery('d', { webhook_id: 'other' });
    const count = (most: number) =>
      sql.value('open_webhook_deliveries', {
        tenant: 'ten',
        webhook: 'whk',
        most,
      });
    expect([await count(10), await count(1)]).toEqual([2, 1]);
  });
});

describe('feed_webhook', () => {
  const feed = async (reason: string, room = 10, scan = 10) => {
    const [row] = await sql.rowsOf('feed_webhook', `(select w from webhooks w where id = 'whk'), $1, $2, $3, $4`, [
      reason,
      room,
      ids(),
      scan,
    ]);
    return [row?.['made'], row?.['has_more']];
  };

  test('makes deliveries of what the endpoint wants, and moves its place past the rest', async () => {
    await webhook('whk', { types: ['ban.created'], position: 1 });
    await log(['ban.created', 'ban.created a', 'ban.lifted', 'ban.created', 'ban.lifted']);
    expect(await feed('event', 1)).toEqual([1, true]);
    expect((await one('webhooks', 'whk'))['position']).toBe('3');
    expect(await feed('event')).toEqual([1, false]);
    expect((await one('webhooks', 'whk'))['position']).toBe('5');
    expect(await made('position', 'space_id', 'reason', 'chain')).toEqual([
      ['2', 'a', 'event', null],
      ['4', null, 'event', null],
    ]);
  });

  test('looks at so many events as it may, and goes on there', async () => {
    await webhook('whk', { types: ['ban.created'] });
    await log(['ban.lifted', 'ban.lifted', 'ban.created']);
    expect(await feed('event', 10, 2)).toEqual([0, true]);
    expect(await feed('event', 10, 2)).toEqual([1, false]);
  });

  test('lines up the events of a space, and those without one, if that is asked for', async () => {
    await webhook('whk', { ordered: 'space' });
    await delivery('open', { chain: 'a' });
    await log(['ban.created a', 'ban.created b', 'ban.created', 'ban.created b', 'ban.created']);
    await feed('event');
    expect(await made('chain', 'behind')).toEqual([
      ['a', false],
      ['a', true],
      ['b', false],
      ['', false],
      ['b', true],
      ['', true],
    ]);
  });

  test('goes on after events that were dropped, and counts them', async () => {
    await webhook('whk', { position: 1 });
    await log(['ban.created', 'ban.created', 'ban.created', 'ban.created']);
    await sql.query(`delete from events where position < 4; update event_logs set first_position = 4`);
    expect(await feed('event')).toEqual([1, false]);
    expect(await one('webhooks', 'whk')).toMatchObject({
      position: '4',
      skipped_events: '2',
    });
  });

  test('replays what happened since a time, up to the end of the replay', async () => {
    const replay = {
      replay_position: 1,
      replay_until: 4,
      replay_since: '2026-03-01T19:00:00Z',
    };
    await webhook('whk', {
      position: 4,
      types: ['ban.lifted'],
      ...replay,
      replay_types: ['ban.created'],
    });
    await log(['ban.created', 'ban.created', 'ban.lifted', 'ban.created', 'ban.created']);
    await sql.query(`update events set at = '2026-03-01T18:00:00Z' where position = 2`);
    expect(await feed('replay', 10, 2)).toEqual([0, true]);
    expect(await one('webhooks', 'whk')).toMatchObject({
      position: '4',
      replay_position: '3',
    });
    expect(await feed('replay')).toEqual([1, false]);
    expect(await one('webhooks', 'whk')).toMatchObject({
      position: '4',
      replay_position: null,
    });
    expect(await made('position', 'reason')).toEqual([['4', 'replay']]);
  });
});

describe('feed_webhooks', () => {
  const feed = (tenant: string | null, count = 10, more: Parameters<typeof limitsWith>[0] = {}) =>
    sql.value('feed_webhooks', {
      tenant,
      ids: ids(count),
      limits: limitsWith(more),
    });

  beforeEach(async () => {
    await log(['ban.created', 'ban.lifted']);
    await log(['ban.created'], 'two');
  });

  test('feeds the endpoints of one tenant, or of all', async () => {
    await webhook();
    await webhook('its', { tenant_id: 'two' });
    expect(await feed('ten')).toBe(false);
    expect(await made('webhook_id', 'tenant_id', 'type')).toEqual([
      ['whk', 'ten', 'ban.created'],
      ['whk', 'ten', 'ban.lifted'],
    ]);
    await feed(null);
    expect((await made('webhook_id', 'tenant_id')).at(-1)).toEqual(['its', 'two']);
    expect(await made('id')).toHaveLength(3);
  });

  test('leaves out endpoints that are disabled or deleted', async () => {
    await webhook('off', {
      disabled_at: inSeconds(0),
      disabled_because: 'request',
    });
    await webhook('gone', { deleted_at: inSeconds(0) });
    await feed('ten');
    expect(await made('id')).toEqual([]);
  });

  test('makes no more than it has ids for, or than may be open, and says that there is more', async () => {
    await webhook();
    expect(await feed('ten', 1)).toBe(true);
    expect(await made('type')).toEqual(['ban.created']);
    expect(await feed('ten', 10, { openWebhookDeliveries: 1 })).toBe(false);
    expect(await made('type')).toHaveLength(1);
    await feed('ten', 10, { openWebhookDeliveries: 2 });
    expect(await made('type')).toEqual(['ban.created', 'ban.lifted']);
  });

  test('feeds events before a replay', async () => {
    await webhook('whk', {
      position: 1,
      replay_position: 0,
      replay_until: 1,
      replay_since: inSeconds(-60),
    });
    await feed('ten');
    expect(await made('type', 'reason')).toEqual([
      ['ban.lifted', 'event'],
      ['ban.created', 'replay'],
    ]);
  });
});

describe('line_up_webhook', () => {
  test('puts each delivery behind the earlier open ones of its chain', async () => {
    await webhook();
    await delivery('done', { chain: 'a', state: 'delivered' });
    for (const [id, chain] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
      ['free', null],
      ['also free', null],
    ])
      await delivery(id ?? '', { chain });
    await sql.call('line_up_webhook', { tenant: 'ten', webhook: 'whk' });
    expect((await made('id', 'behind')).filter((row) => (row as unknown[])[1])).toEqual([['a2', true]]);
  });
});

describe('advance_webhook_chain', () => {
  test('lets the first open delivery of the chain be sent, and no other', async () => {
    await webhook();
    await delivery('a1', { chain: 'a', state: 'delivered' });
    await delivery('a2', { chain: 'a', behind: true });
    await delivery('a3', { chain: 'a', behind: true });
    await delivery('b2', { chain: 'b', behind: true });
    await sql.call('advance_webhook_chain', {
      tenant: 'ten',
      webhook: 'whk',
      chain: 'a',
    });
    expect(await made('id', 'behind')).toEqual([
      ['a1', false],
      ['a2', false],
      ['a3', true],
      ['b2', true],
    ]);
  });
});

describe('line_up_chain', () => {
  const lineUp = () => sql.call('line_up_chain', { tenant: 'ten', webhook: 'whk', chain: 'a' });

  beforeEach(async () => {
    await webhook();
    await delivery('other', { chain: 'b' });
  });

  test('puts the others behind one that was opened again', async () => {
    await delivery('again', { chain: 'a', behind: true });
    await delivery('head', { chain: 'a' });
    await delivery('next', { chain: 'a', behind: true });
    await lineUp();
    expect(await made('id', 'behind')).toEqual([
      ['other', false],
      ['again', false],
      ['head', true],
      ['next', true],
    ]);
  });

  test('leaves the one that is sent now, and puts the one that was opened again behind it', async () => {
    await delivery('again', { chain: 'a', behind: true });
    await delivery('sent', { chain: 'a', leased_until: inSeconds(10) });
    await lineUp();
    expect(await made('id', 'behind')).toEqual([
      ['other', false],
      ['again', true],
      ['sent', false],
    ]);
  });

  test('lets one that was opened again be sent if there is no other', async () => {
    await delivery('again', { chain: 'a', behind: true });
    await lineUp();
    expect((await one('webhook_deliveries', 'again'))['behind']).toBe(false);
  });
});

describe('endpoints_with_open_deliveries', () => {
  test('lists each endpoint once, of all tenants', async () => {
    for (const id of ['whk', 'other', 'done', 'waits']) await webhook(id);
    await webhook('its', { tenant_id: 'two' });
    for (const id of ['a', 'b']) await delivery(id);
    await delivery('c', { webhook_id: 'other' });
    await delivery('d', { webhook_id: 'done', state: 'delivered' });
    await delivery('e', { webhook_id: 'waits', behind: true });
    await delivery('f', { tenant_id: 'two', webhook_id: 'its' });
    const rows = await sql.call('endpoints_with_open_deliveries', {});
    expect(rows.map(({ webhook_id }) => webhook_id)).toEqual(['other', 'whk', 'its']);
  });
});

describe('due_webhook_deliveries', () => {
  const due = async (leased: Row[] = [], more: Parameters<typeof limitsWith>[0] = {}) =>
    (
      await sql.call('due_webhook_deliveries', {
        leased: JSON.stringify(leased),
        limits: limitsWith({ webhookCallsOfEndpoint: 2, ...more }),
        now: new Date(),
      })
    ).map(({ id, turn }) => `${String(id)} ${String(turn)}`);
  const calls = (count: number, slow: boolean, webhook = 'whk') =>
    Array.from({ length: count }, () => ({ tenant: 'ten', webhook, slow }));
  const past = { next_at: '2026-01-01T00:00:00Z' };

  test('lists what is due, and so many of an endpoint as it has free places', async () => {
    await webhook();
    for (const id of ['a', 'b', 'c']) await delivery(id, past);
    await delivery('later', { next_at: inSeconds(3_600) });
    await delivery('behind', { ...past, behind: true });
    await delivery('leased', { ...past, leased_until: inSeconds(3_600) });
    expect(await due()).toEqual(['a 1', 'b 2']);
    expect(await due(calls(1, false))).toEqual(['a 2']);
    expect(await due(calls(1, false, 'other'), { webhookCallsOfEndpoint: 1 })).toEqual(['a 2']);
  });

  test('slow calls take no turn of the tenant, to a bound, and still a place of their endpoint', async () => {
    await webhook();
    for (const id of ['a', 'b', 'c']) await delivery(id, past);
    expect(await due(calls(3, true, 'other'))).toEqual(['a 1', 'b 2']);
    expect(await due(calls(3, true, 'other'), { slowWebhookCallsOfTenant: 1 })).toEqual(['a 3', 'b 4']);
    expect(await due(calls(1, true))).toEqual(['a 1']);
    expect(await due(calls(2, true))).toEqual([]);
  });

  test('an endpoint with a slow call gets no further one while many calls of its tenant are slow', async () => {
    await webhook();
    await webhook('other');
    await delivery('a', past);
    await delivery('b', { ...past, webhook_id: 'other' });
    const slow = calls(2, true).slice(1);
    expect(await due(slow, { webhookCallsOfTenant: 2 })).toEqual(['b 1', 'a 2']);
    expect(await due([...slow, ...calls(1, true, 'third')], { webhookCallsOfTenant: 2 })).toEqual(['b 1']);
  });

  test('lists one of an endpoint that fails, and none of one that is paused, disabled or deleted', async () => {
    await webhook('whk', { failures: 5 });
    await webhook('paused', { paused_until: inSeconds(3_600) });
    await webhook('off', {
      disabled_at: inSeconds(0),
      disabled_because: 'gone',
    });
    await webhook('gone', { deleted_at: inSeconds(0) });
    for (const webhook_id of ['whk', 'paused', 'off', 'gone'])
      for (const n of [1, 2]) await delivery(`${webhook_id}${n}`, { ...past, webhook_id });
    expect(await due()).toEqual(['whk1 1']);
  });

  test('lets the endpoints of a tenant take turns', async () => {
    await webhook();
    await webhook('other');
    for (const id of ['a', 'b']) await delivery(id, past);
    await delivery('c', {
      webhook_id: 'other',
      next_at: '2026-01-01T00:00:01Z',
    });
    expect((await due()).sort()).toEqual(['a 1', 'b 3', 'c 2']);
  });
});

describe('lease_webhook_deliveries', () => {
  const lease = async (limit = 10, unsteady = 10, more: Parameters<typeof limitsWith>[0] = {}) =>
    await sql.call('lease_webhook_deliveries', {
      limit,
      unsteady,
      lease: '10 seconds',
      limits: limitsWith(more),
    });
  const idsOf = (rows: Row[]) => rows.map(({ id }) => id);

  test('leases a delivery once, with what is needed to send it', async () => {
    await webhook('whk', {
      previous_secret: Buffer.from('old'),
      previous_until: inSeconds(60),
    });
    await delivery('a', {
      space_id: 'spc',
      user_id: 'ann',
      position: 7,
      data: { n: 1 },
    });
    const [leased] = await lease();
    expect(leased).toMatchObject({
      tenant_id: 'ten',
      id: 'a',
      webhook_id: 'whk',
      reason: 'event',
      place: '7',
      type: 'ban.created',
      space_id: 'spc',
      user_id: 'ann',
      data: { n: 1 },
      attempts: 1,
      is_unsteady: false,
      url: 'https://hooks.example.com/',
      secret: Buffer.from('sealed'),
      previous_secret: Buffer.from('old'),
    });
    expect(await lease()).toEqual([]);
  });

  test('the secret before a rotation signs only until its end', async () => {
    await webhook('whk', {
      previous_secret: Buffer.from('old'),
      previous_until: inSeconds(-1),
    });
    await delivery('a');
    expect((await lease())[0]?.['previous_secret']).toBeNull();
  });

  test('leases again what a replica had when it ended, and counts the attempts', async () => {
    await webhook();
    await delivery('a', {
      leased_until: inSeconds(-1),
      attempts: 1,
      tried_since: inSeconds(-100),
    });
    const [leased] = await lease();
    expect(leased).toMatchObject({ id: 'a', attempts: 2 });
    expect(Number(leased?.['age_seconds'])).toBeGreaterThanOrEqual(99);
  });

  test('leases as many for a tenant as may be sent for it, and lets the tenants take turns', async () => {
    await webhook();
    await webhook('its', { tenant_id: 'two' });
    for (const id of ['a', 'b', 'c']) await delivery(id, { next_at: inSeconds(-60) });
    await delivery('x', { tenant_id: 'two', webhook_id: 'its' });
    expect(new Set(idsOf(await lease(2)))).toEqual(new Set(['a', 'x']));
    expect(idsOf(await lease(10, 10, { webhookCallsOfTenant: 2 }))).toEqual(['b']);
    expect(idsOf(await lease(10, 10, { webhookCallsOfTenant: 2 }))).toEqual([]);
  });

  test('receivers that hang take no places of the others of the tenant', async () => {
    await webhook('hangs');
    await webhook('too');
    await webhook();
    const hanging = { attempts: 1, attempted_at: inSeconds(-2), leased_until: inSeconds(8) };
    for (let n = 0; n < limits.webhookCallsOfEndpoint; n++)
      for (const webhook_id of ['hangs', 'too']) await delivery(`${webhook_id}${n}`, { webhook_id, ...hanging });
    for (let n = 0; n < limits.webhookCallsOfEndpoint; n++) await delivery(`due${n}`);
    expect(await lease()).toHaveLength(limits.webhookCallsOfEndpoint);
  });

  test('leaves places to endpoints that do not fail', async () => {
    await webhook('whk', { failures: 1 });
    await webhook('its', { tenant_id: 'two' });
    for (const id of ['a', 'b']) await delivery(id, { next_at: inSeconds(-60) });
    await delivery('x', { tenant_id: 'two', webhook_id: 'its' });
    expect(new Set(idsOf(await lease(10, 1)))).toEqual(new Set(['a', 'x']));
    expect(idsOf(await lease(10, 0))).toEqual([]);
  });
});

describe('finish_webhook_delivery', () => {
  const finish = (state: string, attempt = 1, answer: Row = {}) =>
    sql.valueOf('finish_webhook_delivery', `(select w from webhooks w where id = 'whk'), 'a', $1, $2, $3`, [
      attempt,
      state,
      JSON.stringify({
        status: 503,
        answer: 'no',
        error: 'status',
        retrySeconds: 60,
        ...answer,
      }),
    ]);

  beforeEach(async () => {
    await webhook();
    await delivery('a', {
      attempts: 1,
      chain: 'a',
      leased_until: inSeconds(10),
    });
    await delivery('b', { chain: 'a', behind: true });
  });

  test('a failed attempt is repeated later, and the next of the chain waits', async () => {
    expect(await finish('pending')).toBe(true);
    const row = await one('webhook_deliveries', 'a');
    expect(row).toMatchObject({
      state: 'pending',
      status: 503,
      answer: 'no',
      error: 'status',
      done_at: null,
    });
    expect((row['next_at'] as Date).getTime() - Date.now()).toBeGreaterThan(50_000);
    expect((await one('webhook_deliveries', 'b'))['behind']).toBe(true);
  });

  test('a failed attempt lets an earlier one of the chain go first that was opened again meanwhile', async () => {
    await sql.query('delete from webhook_deliveries');
    await delivery('again', { chain: 'a', behind: true });
    await delivery('a', { attempts: 1, chain: 'a', leased_until: inSeconds(10) });
    expect(await finish('pending')).toBe(true);
    expect(await made('id', 'behind')).toEqual([
      ['again', false],
      ['a', true],
    ]);
  });

  test.each(['delivered', 'failed'])('one that is %s lets the next of the chain be sent', async (state) => {
    expect(await finish(state, 1, { status: 204, answer: null, error: null })).toBe(true);
    expect(await one('webhook_deliveries', 'a')).toMatchObject({
      state,
      status: 204,
      error: null,
    });
    expect((await one('webhook_deliveries', 'b'))['behind']).toBe(false);
  });

  test('records nothing of an attempt that another one has followed, or of a delivery that has ended', async () => {
    expect(await finish('delivered', 2)).toBe(false);
    await finish('delivered');
    expect(await finish('failed')).toBe(false);
    expect((await one('webhook_deliveries', 'a'))['state']).toBe('delivered');
  });
});

describe('note_webhook_attempt', () => {
  const note = (state: string, status: number | null = 500, pause: number | null = null) =>
    sql.valueOf('note_webhook_attempt', `(select w from webhooks w where id = 'whk'), $1, $2, $3, $4`, [
      state,
      status,
      pause,
      JSON.stringify(limits),
    ]);

  test('counts failures, and forgets them with a success', async () => {
    await webhook();
    expect(await note('pending')).toBeNull();
    expect(await note('failed', null)).toBeNull();
    expect(await one('webhooks', 'whk')).toMatchObject({
      failures: 2,
      failing_since: expect.any(Date),
    });
    expect(await note('delivered')).toBeNull();
    expect(await one('webhooks', 'whk')).toMatchObject({
      failures: 0,
      failing_since: null,
    });
  });

  test('says that the endpoint is to be disabled: at 410, and after five days without a success', async () => {
    await webhook();
    expect(await note('pending', 410)).toBe('gone');
    await sql.query('update webhooks set failing_since = $1', [new Date(Date.now() - 6 * 24 * 3_600_000)]);
    expect(await note('pending')).toBe('failing');
  });

  test('pauses the endpoint as long as the receiver asks', async () => {
    await webhook();
    await note('pending', 429, 600);
    await note('pending', 429, 60);
    const { paused_until } = await one('webhooks', 'whk');
    expect((paused_until as Date).getTime() - Date.now()).toBeGreaterThan(500_000);
  });

  test.each([
    [5, true],
    [4, false],
  ])('the first success after %d failures makes what waits due: %s', async (failures, isDue) => {
    await webhook('whk', { failures, failing_since: inSeconds(-60) });
    await delivery('waits', { next_at: inSeconds(3_600) });
    await note('delivered', 200);
    const { next_at } = await one('webhook_deliveries', 'waits');
    expect((next_at as Date).getTime() < Date.now() + 600_000).toBe(isDue);
  });
});

describe('finish_webhook_deliveries', () => {
  test('records outcomes of several endpoints, and returns those that are to be disabled', async () => {
    await webhook();
    await webhook('other');
    await delivery('a', { attempts: 1 });
    await delivery('b', { attempts: 1, webhook_id: 'other' });
    const outcome = {
      tenant: 'ten',
      attempt: 1,
      answer: null,
      error: null,
      retrySeconds: 60,
      pauseSeconds: null,
    };
    const outcomes = [
      { ...outcome, webhook: 'whk', id: 'a', state: 'delivered', status: 200 },
      {
        ...outcome,
        webhook: 'other',
        id: 'b',
        state: 'pending',
        status: 410,
        error: 'status',
      },
      {
        ...outcome,
        webhook: 'unknown',
        id: 'c',
        state: 'delivered',
        status: 200,
      },
    ];
    expect(
      await sql.call('finish_webhook_deliveries', {
        outcomes: JSON.stringify(outcomes),
        limits,
      }),
    ).toEqual([{ tenant_id: 'ten', webhook_id: 'other', because: 'gone' }]);
    expect(await made('state', 'status')).toEqual([
      ['delivered', 200],
      ['pending', 410],
    ]);
  });
});

describe('page_of_webhook_deliveries', () => {
  test('lists the newest first, in one state or in all, before a place', async () => {
    await webhook();
    await webhook('other');
    for (const state of ['delivered', 'pending', 'failed', 'delivered'])
      await delivery(`${state} ${ids(1)[0]}`, { state });
    await delivery('foreign', { webhook_id: 'other' });
    const page = async (state: string | null, before: unknown, limit: number) =>
      await sql.call('page_of_webhook_deliveries', {
        tenant: 'ten',
        webhook: 'whk',
        state,
        before: before as string | null,
        limit,
      });
    const [newest, failed] = await page(null, null, 2);
    expect([newest?.['state'], failed?.['state']]).toEqual(['delivered', 'failed']);
    expect((await page(null, failed?.['seq'], 10)).map(({ state }) => state)).toEqual(['pending', 'delivered']);
    expect((await page('delivered', null, 10)).map(({ state }) => state)).toEqual(['delivered', 'delivered']);
  });
});

describe('sweep_webhook', () => {
  const sweep = (state: string, most = 10, more: Parameters<typeof limitsWith>[0] = {}) =>
    sql.valueOf('sweep_webhook', `(select w from webhooks w where id = 'whk'), $1, $2, $3`, [
      state,
      most,
      JSON.stringify(limitsWith(more)),
    ]);

  test('deletes what ended long ago, and what is too much, and keeps what is open', async () => {
    await webhook();
    await delivery('old', {
      state: 'delivered',
      done_at: inSeconds(-8 * 24 * 3_600),
    });
    for (const id of ['one', 'two', 'three']) await delivery(id, { state: 'delivered', done_at: inSeconds(0) });
    await delivery('open');
    expect(await sweep('delivered')).toBe(1);
    expect(await sweep('delivered', 10, { keptWebhookDeliveries: 1 })).toBe(2);
    expect(await sweep('pending')).toBe(0);
    expect(await made('id')).toEqual(['three', 'open']);
  });

  test('deletes all of a deleted endpoint, in steps', async () => {
    await webhook('whk', { deleted_at: inSeconds(0) });
    for (const id of ['one', 'two', 'three']) await delivery(id);
    expect([await sweep('pending', 2), await sweep('pending', 2)]).toEqual([2, 1]);
  });
});

describe('sweep_webhooks', () => {
  const sweep = async (tenant: string, webhook: string, number: number) => {
    const args = { afterTenant: tenant, afterWebhook: webhook, number, limits };
    return (await sql.call('sweep_webhooks', args))[0];
  };

  test('goes from endpoint to endpoint, and deletes those that are deleted', async () => {
    await webhook('a');
    await webhook('b', { deleted_at: inSeconds(0) });
    await webhook('c', { tenant_id: 'two' });
    await delivery('open', { webhook_id: 'a' });
    await delivery('gone', { webhook_id: 'b' });
    expect(await sweep('', '', 2)).toEqual({
      tenant_id: 'ten',
      webhook_id: 'b',
      is_last: false,
    });
    expect(await sweep('ten', 'b', 2)).toEqual({
      tenant_id: 'two',
      webhook_id: 'c',
      is_last: true,
    });
    expect((await sql.query('select id from webhooks order by id')).map(({ id }) => id)).toEqual(['a', 'c']);
    expect(await made('id')).toEqual(['open']);
  });
});

describe('webhook_backlog', () => {
  const backlog = async () => (await sql.call('webhook_backlog', { steady: 5 }))[0];

  test('tells what is open, how many endpoints fail, and how old the oldest is of those that do not', async () => {
    expect(await backlog()).toEqual({
      open: '0',
      failing: '0',
      oldest_seconds: 0,
    });
    await webhook();
    await webhook('fails', { failures: 5 });
    await webhook('off', {
      disabled_at: inSeconds(0),
      disabled_because: 'request',
      failures: 9,
    });
    await delivery('a', { created_at: inSeconds(-60) });
    for (const webhook_id of ['fails', 'off']) await delivery(webhook_id, { webhook_id, created_at: inSeconds(-600) });
    const told = await backlog();
    expect(told).toMatchObject({ open: '3', failing: '1' });
    expect(Number(told?.['oldest_seconds'])).toBeGreaterThan(59);
    expect(Number(told?.['oldest_seconds'])).toBeLessThan(500);
  });

  test('tells the age of an event that waits in the log, because an endpoint has too many open deliveries', async () => {
    await webhook('whk', { position: 1 });
    await webhook('fails', { position: 0, failures: 5 });
    await log(['ban.created', 'ban.created', 'ban.created']);
    await sql.query(`update events set logged_at = now() - make_interval(secs => 1000 / position)`);
    const told = await backlog();
    expect(Number(told?.['oldest_seconds'])).toBeGreaterThan(499);
    expect(Number(told?.['oldest_seconds'])).toBeLessThan(900);
  });
});

describe('webhook_names_type', () => {
  const names = () => sql.value('webhook_names_type', { tenant: 'ten', type: 'grant.issued' });

  test('looks at the endpoints that are not deleted, also at those that are disabled', async () => {
    const types = ['grant.issued'];
    await sql.insert('webhooks', { tenant_id: 'two', id: 'foreign', types });
    await sql.insert('webhooks', { tenant_id: 'ten', id: 'gone', types, deleted_at: inSeconds(0) });
    expect(await names()).toBe(false);
    await sql.insert('webhooks', {
      tenant_id: 'ten',
      id: 'off',
      types,
      disabled_at: inSeconds(0),
      disabled_because: 'request',
    });
    expect(await names()).toBe(true);
  });
});

describe('forget_webhook', () => {
  test('marks an endpoint as deleted, without its secrets', async () => {
    await webhook('whk', { previous_secret: Buffer.from('old') });
    const at = new Date('2026-03-01T19:00:00Z');
    const forget = (tenant = 'ten') => sql.value('forget_webhook', { tenant, webhook: 'whk', at });
    expect(await forget('two')).toBe(false);
    expect(await forget()).toBe(true);
    expect(await one('webhooks', 'whk')).toMatchObject({
      deleted_at: at,
      secret: Buffer.from(''),
      previous_secret: null,
    });
    expect(await forget()).toBe(false);
  });
});

describe('sealed_webhooks', () => {
  const other = Buffer.from('02aabbccdd', 'hex');
  const after = async (tenant: string, id: string, most = 10) => {
    const rows = await sql.call('sealed_webhooks', { seal: 'unnamed', tenant, id, most });
    return rows.map((row) => `${String(row['tenant_id'])} ${String(row['id'])}`);
  };

  test('returns what another key has sealed, of all tenants, in the order of their keys', async () => {
    for (const [tenant_id, id, sealed] of [
      ['two', 'a', other],
      ['ten', 'b', other],
      ['ten', 'a', other],
      ['ten', 'c', Buffer.from('01', 'hex')],
    ] as const)
      await sql.insert('webhooks', { tenant_id, id, secret: sealed });
    await sql.become('stagedoor_test_service');
    const all = ['ten a', 'ten b', 'two a'];
    expect(await after('', '')).toEqual(all);
    expect(await after('ten', 'a')).toEqual(all.slice(1));
    expect(await after('', '', 2)).toEqual(all.slice(0, 2));
    expect(await sql.call('sealed_webhooks', { seal: 'aabbccdd', tenant: '', id: '', most: 10 })).toEqual([
      { tenant_id: 'ten', id: 'c', sealed: Buffer.from('01', 'hex') },
    ]);
  });
});

describe('seals_of_webhooks', () => {
  test('counts the values of all tenants by their key', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten', 'a', '01'],
      ['ten', 'b', '02aabbccdd00'],
      ['two', 'a', '02aabbccdd11'],
    ] as const)
      await sql.insert('webhooks', { tenant_id, id, secret: Buffer.from(sealed, 'hex') });
    await sql.become('stagedoor_test_service');
    const rows = await sql.call('seals_of_webhooks');
    expect(rows.toSorted((one, two) => String(one['seal']).localeCompare(String(two['seal'])))).toEqual([
      { seal: 'aabbccdd', secrets: '2' },
      { seal: 'unnamed', secrets: '1' },
    ]);
  });
});

test('the secret before a rotation is sealed, too, and a deleted endpoint has none', async () => {
  await webhook('whk', { secret: Buffer.from('01', 'hex'), previous_secret: Buffer.from('02aabbccdd', 'hex') });
  await webhook('whk_gone', { secret: Buffer.from('') });
  const found = await sql.call('sealed_webhooks', { seal: 'unnamed', tenant: '', id: '', most: 10 });
  expect(found).toEqual([{ tenant_id: 'ten', id: 'whk', sealed: Buffer.from('02aabbccdd', 'hex') }]);
  expect(await sql.call('seals_of_webhooks')).toHaveLength(2);
});

describe('drop_webhooks_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['webhooks', { id: 'whk' }],
      ['webhook_deliveries', { webhook_id: 'whk' }],
      ['webhook_deliveries', { webhook_id: 'whk' }],
    ];
    await expectDropped(sql, ['webhook_deliveries', 'webhooks'], rows, (args) =>
      sql.value('drop_webhooks_of_tenant', args),
    );
  });
});

describe('erase_webhook_deliveries', () => {
  test('puts the name into copies of events, and takes what the receiver has answered', async () => {
    await sql.insert('webhooks', { tenant_id: 'ten', id: 'whk_e' });
    const put = (row: object) =>
      sql.insert('webhook_deliveries', { tenant_id: 'ten', webhook_id: 'whk_e', answer: 'hello', error: 'no', ...row });
    await put({ user_id: 'ann', data: { reason: 'rude' } });
    await put({ user_id: 'ben', data: { by: { kind: 'user', id: 'ann' } } });
    const last = await put({ user_id: 'ben' });
    const args = { tenant: 'ten', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_webhook_deliveries', args)).toEqual([{ changed: '2', waiting: '0', reached: null }]);
    expect(await sql.query('select user_id, data, answer, error from webhook_deliveries order by id')).toEqual([
      { user_id: 'erased:x', data: { reason: null }, answer: null, error: null },
      { user_id: 'ben', data: { by: { kind: 'user', id: 'erased:x' } }, answer: null, error: null },
      { user_id: 'ben', data: {}, answer: 'hello', error: 'no' },
    ]);
    expect(await sql.call('erase_webhook_deliveries', { ...args, most: 3 })).toEqual([
      { changed: '0', waiting: '0', reached: last['id'] },
    ]);
  });
});
