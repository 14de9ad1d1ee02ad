/** The functions that write events, give them their places in the log of their tenant, and drop old ones. */
import { limits } from '../../src/limits.ts';
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

/** Writes events, such as `ten a`: tenant and type. */
async function put(...events: string[]): Promise<void> {
  for (const event of events) {
    const [tenant_id, type] = event.split(' ');
    await sql.insert('events', { tenant_id, type });
  }
}

/** All events in the order of the logs, such as `ten a 1`; `open` is one without a place. */
async function logs(): Promise<string[]> {
  const rows = await sql.query<{
    tenant_id: string;
    type: string;
    position: string | null;
  }>('select tenant_id, type, position from events order by tenant_id, position nulls last, written');
  return rows.map(({ tenant_id, type, position }) => `${tenant_id} ${type} ${position ?? 'open'}`);
}

async function number(limit = 10): Promise<Record<string, number>> {
  const rows = await sql.call<{ tenant_id: string; events: string }>('number_events', { limit });
  return Object.fromEntries(rows.map(({ tenant_id, events }) => [tenant_id, Number(events)]));
}

describe('write_events', () => {
  test('writes events in their order, without a place', async () => {
    const events = [
      { type: 'b', spaceId: 'spc', userId: 'ann', data: { n: 1 } },
      { type: 'a', data: {} },
    ];
    await sql.call('write_events', {
      tenant: 'ten',
      events: JSON.stringify(events),
    });
    expect(
      await sql.query(`select tenant_id, type, space_id, user_id, data, position, logged_at,
                              at between now() and clock_timestamp() + interval '1 ms' as is_now
                         from events order by written`),
    ).toEqual(
      [
        { type: 'b', space_id: 'spc', user_id: 'ann', data: { n: 1 } },
        { type: 'a', space_id: null, user_id: null, data: {} },
      ].map((event) => ({
        tenant_id: 'ten',
        ...event,
        position: null,
        logged_at: null,
        is_now: true,
      })),
    );
  });

  test('writes nothing for no event, and refuses one without data', async () => {
    await sql.call('write_events', { tenant: 'ten', events: '[]' });
    expect(await logs()).toEqual([]);
    await expect(sql.call('write_events', { tenant: 'ten', events: '[{"type":"a"}]' })).rejects.toMatchObject({
      code: '23502',
    });
  });

  test('writes for the service into the tenant that it is in, and into no other', async () => {
    await sql.becomeService('ten');
    await sql.call('write_events', {
      tenant: 'ten',
      events: '[{"type":"a","data":{}}]',
    });
    const other = { tenant: 'ten_other', events: '[{"type":"a","data":{}}]' };
    await expect(sql.call('write_events', other)).rejects.toMatchObject({
      code: '42501',
    });
  });
});

describe('write_dated_events', () => {
  test('writes events of the past in their order, without a place', async () => {
    const at = ['2026-01-01T00:00:00.123Z', '2026-01-01T00:00:00Z'];
    const events = at.map((time) => ({ type: 'b', spaceId: 'spc', userId: 'ann', at: time, data: {} }));
    await sql.call('write_dated_events', { tenant: 'ten', events: JSON.stringify(events) });
    const rows = await sql.query('select type, space_id, user_id, at, position from events order by written');
    const common = { type: 'b', space_id: 'spc', user_id: 'ann', position: null };
    expect(rows).toEqual(at.map((time) => ({ ...common, at: new Date(time) })));
  });
});

describe('tenants_to_number', () => {
  test('lists each tenant once, with its first event without a place', async () => {
    await put('tin a', 'ten a');
    await number();
    await put('ten b', 'ton a', 'ten c');
    const rows = await sql.call<{ tenant_id: string; written: string }>('tenants_to_number');
    expect(rows.map(({ tenant_id }) => tenant_id)).toEqual(['ten', 'ton']);
    const types = await sql.query('select type from events where written = any ($1) order by written', [
      rows.map(({ written }) => written),
    ]);
    expect(types).toEqual([{ type: 'b' }, { type: 'a' }]);
  });
});

describe('place_events', () => {
  test('does for the functions that look across the tenants what number_events does under its lock', async () => {
    await put('ten a', 'ten b', 'tin c');
    await sql.become('stagedoor_crossing');
    const placed = await sql.call<{ tenant_id: string }>('place_events', {
      limit: 2,
    });
    expect(new Set(placed.map(({ tenant_id }) => tenant_id))).toEqual(new Set(['ten', 'tin']));
    expect(await logs()).toEqual(['ten a 1', 'ten b open', 'tin c 1']);
  });
});

describe('number_events', () => {
  test.each<[string, string[], number, Record<string, number>, string[]]>([
    ['nothing', [], 10, {}, []],
    ['events in the order of their writing', ['ten b', 'ten a'], 10, { ten: 2 }, ['ten b 1', 'ten a 2']],
    ['each tenant for itself', ['ten a', 'tin b', 'ten c'], 10, { ten: 2, tin: 1 }, ['ten a 1', 'ten c 2', 'tin b 1']],
    ['no more than the limit', ['ten a', 'ten b', 'ten c'], 2, { ten: 2 }, ['ten a 1', 'ten b 2', 'ten c open']],
    [
      'a share of each tenant',
      ['ten a', 'ten b', 'ten c', 'tin d'],
      2,
      { ten: 1, tin: 1 },
      ['ten a 1', 'ten b open', 'ten c open', 'tin d 1'],
    ],
    [
      'the tenants with the oldest events if there are more tenants than the limit',
      ['ton c', 'tin b', 'ten a'],
      2,
      { ton: 1, tin: 1 },
      ['ten a open', 'tin b 1', 'ton c 1'],
    ],
    ['nothing with a limit of 0', ['ten a'], 0, {}, ['ten a open']],
  ])('numbers %s', async (_, events, limit, numbered, after) => {
    await put(...events);
    expect(await number(limit)).toEqual(numbered);
    expect(await logs()).toEqual(after);
  });

  test('goes on behind the newest place, also after all events were dropped', async () => {
    await put('ten a', 'ten b');
    await number();
    await sql.query('delete from events');
    await sql.query('update event_logs set first_position = 3, first_at = null');
    await put('ten c');
    await number();
    expect(await logs()).toEqual(['ten c 3']);
    expect(await sql.query('select last_position, first_position, first_at = last_at as same from event_logs')).toEqual(
      [{ last_position: '3', first_position: '3', same: true }],
    );
  });

  test('no event gets an older time of logging than the one before, also after the clock was set back', async () => {
    await put('ten a');
    await number();
    await sql.query(`update event_logs set last_at = now() + interval '1 hour'`);
    await put('ten b');
    await number();
    const [row] = await sql.query(`select logged_at = (select last_at from event_logs) as same,
                                          logged_at > now() + interval '59 min' as later from events where type = 'b'`);
    expect(row).toEqual({ same: true, later: true });
  });

  test('looks for the first event of each tenant by an index', async () => {
    for (let n = 0; n < 200; n++) await put(`ten_${n % 4} a`);
    await number(200);
    await put('ten_1 b');
    await sql.query('set local enable_seqscan = on');
    await sql.query('analyze events');
    const [plan] = await sql.query(`explain (analyze, format json) select * from tenants_to_number()`);
    expect(JSON.stringify(plan)).not.toContain('Seq Scan');
    expect(await number()).toEqual({ ten_1: 1 });
  });
});

describe('drop_old_events', () => {
  beforeEach(async () => {
    await put('ten a', 'ten b', 'ten c', 'tin d');
    await number();
  });

  /** Lets the first events of a tenant have been logged an hour ago. */
  async function age(tenant: string, upTo: number): Promise<void> {
    await sql.query(
      `update events set logged_at = clock_timestamp() - interval '1 hour' where tenant_id = $1 and position <= $2`,
      [tenant, upTo],
    );
    await sql.query(`update event_logs set first_at = clock_timestamp() - interval '1 hour' where tenant_id = $1`, [
      tenant,
    ]);
  }
  const drop = async (most = 10) => Number(await sql.value('drop_old_events', { olderThan: '30 minutes', most }));
  const firsts = () =>
    sql.query('select tenant_id, first_position, first_at is null as empty from event_logs order by 1');

  test('drops what is older, of one tenant in a call, and notes the oldest that is kept', async () => {
    await age('ten', 2);
    await age('tin', 1);
    const dropped = [await drop(), await drop(), await drop()];
    expect(dropped.toSorted((a, b) => a - b)).toEqual([0, 1, 2]);
    expect(await logs()).toEqual(['ten c 3']);
    expect(await firsts()).toEqual([
      { tenant_id: 'ten', first_position: '3', empty: false },
      { tenant_id: 'tin', first_position: '2', empty: true },
    ]);
  });

  test('drops no more than the limit in a call, the oldest first', async () => {
    await age('ten', 3);
    expect(await drop(2)).toBe(2);
    expect(await logs()).toEqual(['ten c 3', 'tin d 1']);
    expect(await drop(2)).toBe(1);
    expect(await drop(2)).toBe(0);
  });

  test('drops nothing that is young enough', async () => {
    expect(await drop()).toBe(0);
    expect(await logs()).toEqual(['ten a 1', 'ten b 2', 'ten c 3', 'tin d 1']);
  });

  test('drops earlier what is of a tenant that keeps its events for a shorter time', async () => {
    for (const id of ['ten', 'tin']) await sql.insert('tenants', { id });
    await sql.insert('tenant_settings', { tenant_id: 'ten', event_days: 1 });
    await sql.query(`update events set logged_at = clock_timestamp() - interval '2 days' where position = 1`);
    await sql.query(`update event_logs set first_at = clock_timestamp() - interval '2 days'`);
    const dropOld = async () => Number(await sql.value('drop_old_events', { olderThan: '3 days', most: 10 }));
    expect([await dropOld(), await dropOld()]).toEqual([1, 0]);
    expect(await logs()).toEqual(['ten b 2', 'ten c 3', 'tin d 1']);
  });

  test('goes on if the first event is younger than its log says', async () => {
    await sql.query(`update event_logs set first_at = clock_timestamp() - interval '1 hour' where tenant_id = 'ten'`);
    expect(await drop()).toBe(0);
    expect(await firsts()).toMatchObject([{ tenant_id: 'ten', first_position: '1', empty: false }, {}]);
  });
});

describe('event_log_ends', () => {
  test('says the newest place of each tenant that has a log', async () => {
    await sql.insert('event_logs', {
      tenant_id: 'ten',
      last_position: 7,
      last_at: inSeconds(0),
    });
    await sql.insert('event_logs', {
      tenant_id: 'tin',
      last_position: 8,
      last_at: inSeconds(0),
    });
    expect(await sql.call('event_log_ends', { tenants: ['ten', 'tan'] })).toEqual([
      { tenant_id: 'ten', last_position: '7' },
    ]);
  });
});

describe('event_time', () => {
  test('writes a time in UTC with milliseconds, whatever the session says', async () => {
    await sql.query(`set local timezone = 'Asia/Kolkata'`);
    expect(await sql.value('event_time', { time: '2026-03-01T19:00:00.05Z' })).toBe('2026-03-01T19:00:00.050Z');
    expect(await sql.value('event_time', { time: null })).toBeNull();
  });
});

describe('events_after', () => {
  test('lists the events of a tenant after a place, in order and as many as asked', async () => {
    await put('ten a', 'ten b', 'other x', 'ten c');
    await number();
    await put('ten open');
    const after = async (place: number, most: number) =>
      (await sql.call('events_after', { tenant: 'ten', after: place, most })).map((row) => [
        Number(row['place']),
        row['type'],
      ]);
    expect(await after(0, 10)).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
    expect(await after(1, 1)).toEqual([[2, 'b']]);
    expect(await after(3, 10)).toEqual([]);
  });
});

describe('event_log_bounds', () => {
  const bounds = async () => {
    const [row] = await sql.call('event_log_bounds', { tenant: 'ten' });
    return [Number(row?.['first_position']), Number(row?.['last_position'])];
  };

  test('returns the places of the oldest and the newest event that is kept', async () => {
    expect(await bounds()).toEqual([1, 0]);
    await put('ten a', 'ten b');
    await number();
    expect(await bounds()).toEqual([1, 2]);
    await sql.query(`update event_logs set first_position = 3 where tenant_id = 'ten'`);
    expect(await bounds()).toEqual([3, 2]);
  });
});

describe('logged_after', () => {
  const after = (place: number) => sql.value('logged_after', { tenant: 'ten', after: place });

  test('returns when the next event was put into the log', async () => {
    expect(await after(0)).toBeNull();
    await put('ten a', 'two b', 'ten c');
    await number();
    await sql.query(
      `update events set logged_at = '2026-01-01T00:00:00Z'::timestamptz + make_interval(hours => position::integer)`,
    );
    expect(await after(0)).toEqual(new Date('2026-01-01T01:00:00Z'));
    expect(await after(1)).toEqual(new Date('2026-01-01T02:00:00Z'));
    expect(await after(2)).toBeNull();
  });
});

describe('place_before_time', () => {
  const before = async (since: string) => Number(await sql.value('place_before_time', { tenant: 'ten', since }));

  test('returns the place after which everything happened since', async () => {
    expect(await before('2026-01-01T00:00:00Z')).toBe(0);
    await put('ten a', 'ten b', 'ten c');
    await number();
    await sql.query(
      `update events set logged_at = '2026-01-01T00:00:00Z'::timestamptz + make_interval(hours => position::integer)`,
    );
    expect(await before('2026-01-01T00:00:00Z')).toBe(0);
    expect(await before('2026-01-01T02:00:00Z')).toBe(1);
    expect(await before('2026-01-01T02:00:01Z')).toBe(2);
    expect(await before('2026-01-02T00:00:00Z')).toBe(3);
  });
});

/** The log of a tenant whose readers have asked for grant.issued until this time. */
const askedUntil = (tenant_id: string, issued_until: unknown = null) =>
  sql.query(`insert into event_logs (tenant_id, last_position, last_at, issued_until) values ($1, 0, now(), $2)`, [
    tenant_id,
    issued_until,
  ]);
const asks = (tenant: string) => sql.value('issued_grants_are_asked_for', { tenant });

describe('ask_for_issued_grants', () => {
  test('notes that a tenant asks, for a week, if it has a log', async () => {
    expect(await sql.value('ask_for_issued_grants', { tenant: 'ten', limits })).toBe(false);
    await askedUntil('ten');
    expect(await asks('ten')).toBe(false);
    expect(await sql.value('ask_for_issued_grants', { tenant: 'ten', limits })).toBe(true);
    expect(await asks('ten')).toBe(true);
    const [row] = await sql.query(`select extract(epoch from issued_until - now())::int as seconds from event_logs`);
    expect(row).toEqual({ seconds: limits.issuedGrantsAskedSeconds });
  });
});

describe('issued_grants_are_asked_for', () => {
  test('holds until the time is over, or as long as a webhook endpoint names the type', async () => {
    await askedUntil('ten', new Date(Date.now() - 1_000));
    expect(await asks('ten')).toBe(false);
    await sql.insert('tenants', { id: 'ten' });
    await sql.insert('webhooks', { tenant_id: 'ten', id: 'all' });
    expect(await asks('ten')).toBe(false);
    await sql.insert('webhooks', { tenant_id: 'ten', id: 'one', types: ['ban.created', 'grant.issued'] });
    expect(await asks('ten')).toBe(true);
    expect(await asks('two')).toBe(false);
  });
});

describe('drop_events_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['events', {}],
      ['events', {}],
      ['event_logs', {}],
    ];
    await expectDropped(sql, ['events', 'event_logs'], rows, (args) => sql.value('drop_events_of_tenant', args));
  });
});

describe('erase_events', () => {
  const erase = (after: string | null = null, most = 100) =>
    sql.call('erase_events', { tenant: 'ten_e', user: 'ann', name: 'erased:x', after, most });

  test('puts the name into events about the user, and by them', async () => {
    const put = (row: object) =>
      sql.insert('events', { tenant_id: 'ten_e', type: 'ban.created', user_id: 'ben', ...row });
    await put({ user_id: 'ann', data: { reason: 'rude', banId: 'ban' } });
    await put({ data: { by: { kind: 'user', id: 'ann' } } });
    const last = await put({ user_id: null, data: { name: 'annabel' } });
    await sql.insert('events', { tenant_id: 'ten_f', user_id: 'ann' });
    expect(await erase()).toEqual([{ changed: '2', waiting: '0', reached: null }]);
    expect(await sql.query(`select user_id, data from events where tenant_id = 'ten_e' order by written`)).toEqual([
      { user_id: 'erased:x', data: { reason: null, banId: 'ban' } },
      { user_id: 'ben', data: { by: { kind: 'user', id: 'erased:x' } } },
      { user_id: null, data: { name: 'annabel' } },
    ]);
    expect(await sql.query(`select user_id from events where tenant_id = 'ten_f'`)).toEqual([{ user_id: 'ann' }]);
    expect(await erase(null, 3)).toEqual([{ changed: '0', waiting: '0', reached: String(last['written']) }]);
    expect(await erase(String(last['written']), 3)).toEqual([{ changed: '0', waiting: '0', reached: null }]);
  });
});
