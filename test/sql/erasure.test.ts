/** The functions of erasures and of the ends of tenants. */
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

describe('erased_json', () => {
  test.each<[string, unknown, unknown]>([
    ['a value', { userId: 'ann' }, { userId: 'X' }],
    ['a value inside', { by: { id: 'ann' }, all: ['ann', 'ben'] }, { by: { id: 'X' }, all: ['X', 'ben'] }],
    ['a key', { ann: 1 }, { X: 1 }],
    ['more than the id', { name: 'annabel', words: 'ann was here' }, { name: 'annabel', words: 'ann was here' }],
    ['a reason', { reason: 'rude', id: 'ben' }, { reason: null, id: 'ben' }],
    ['an array', ['ann', 'reason'], ['X', 'reason']],
    ['nothing', null, null],
  ])('%s', async (_, data, named) => {
    const json = data === null ? null : JSON.stringify(data);
    expect(await sql.value('erased_json', { data: json, user: 'ann', name: 'X' })).toEqual(named);
  });

  test.each(['"', '\\', 'a"b', 'a\\', '{}', '🎈', 'ü', "'", '%s', '\\u0041', '\n'])('the id %j', async (user) => {
    const data = JSON.stringify({ [`x${user}`]: user, kept: `${user}!` });
    expect(await sql.value('erased_json', { data, user, name: 'X' })).toEqual({ [`x${user}`]: 'X', kept: `${user}!` });
  });
});

describe.each([
  ['take_erasures', 'erasures', 'finished_at', { id: 'act', user_id: 'ann', name: 'erased:x' }],
  ['take_tenant_ends', 'tenant_ends', 'ended_at', {}],
] as const)('%s takes what is due', (name, table, over, row) => {
  const put = async (tenant_id: string, more: object = {}) => {
    await sql.insert('tenants', { id: tenant_id });
    await sql.insert(table, { tenant_id, next_at: inSeconds(-1), ...row, ...more });
  };
  const take = async (limit = 10) =>
    (await sql.call(name, { lease: '1 minute', limit })).map((taken) => taken['tenant_id']);

  test('once, until the lease is over', async () => {
    await put('ten');
    expect(await take()).toEqual(['ten']);
    expect(await take()).toEqual([]);
    await sql.query(`update ${table} set leased_until = now() - interval '1 second'`);
    expect(await take()).toEqual(['ten']);
  });

  test('and nothing that is over, or that has to wait', async () => {
    await put('ten_later', { next_at: inSeconds(60) });
    const isOver = table === 'erasures' ? { user_id: null } : { step: 'ended' };
    await put('ten_over', { [over]: new Date(), ...isOver });
    expect(await take()).toEqual([]);
  });

  test('no more than asked for, the longest due first', async () => {
    await put('ten_a');
    await put('ten_b', { next_at: inSeconds(-60) });
    expect(await take(1)).toEqual(['ten_b']);
  });
});

describe('take_erasures', () => {
  test('takes those of another tenant in the first run, however many a tenant has', async () => {
    for (const tenant_id of ['ten_many', 'ten_one']) await sql.insert('tenants', { id: tenant_id });
    const put = (tenant_id: string, id: string, seconds: number) =>
      sql.insert('erasures', { tenant_id, id, user_id: id, name: 'erased:x', next_at: inSeconds(seconds) });
    for (let n = 0; n < 5; n++) await put('ten_many', `act_${n}`, -60 + n);
    await put('ten_one', 'act', -1);
    const first = await sql.call('take_erasures', { lease: '1 minute', limit: 2 });
    expect(new Set(first.map((taken) => taken['id']))).toEqual(new Set(['act', 'act_0']));
  });

  test('of two at once, one takes it', async () => {
    await sql.insert('tenants', { id: 'ten_two' });
    await sql.insert('erasures', {
      tenant_id: 'ten_two',
      id: 'act',
      user_id: 'ann',
      name: 'erased:x',
      next_at: inSeconds(-1),
    });
    const all = await sql.call('take_erasures', { lease: '1 minute', limit: 10 });
    expect(all).toHaveLength(1);
    expect(all[0]).toMatchObject({ user_id: 'ann', name: 'erased:x', place: 0, after: null });
  });
});

describe('take_tenant_ends', () => {
  test('says at which step the end is', async () => {
    await sql.insert('tenants', { id: 'ten_end' });
    await sql.insert('tenant_ends', { tenant_id: 'ten_end', step: 'rows', next_at: inSeconds(-1) });
    const all = await sql.call('take_tenant_ends', { lease: '1 minute', limit: 10 });
    expect(all).toMatchObject([{ tenant_id: 'ten_end', step: 'rows', leave_resources: false }]);
  });
});

describe('drop_erasures_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const row = { user_id: 'ann', name: 'erased:x' };
    const rows: [string, Record<string, unknown>][] = [
      ['erasures', { id: 'act', ...row }],
      ['erasures', { id: 'act_b', ...row }],
    ];
    await expectDropped(sql, ['erasures'], rows, (args) => sql.value('drop_erasures_of_tenant', args));
  });
});

describe('oldest_erasures', () => {
  test('is zero when everything is finished', async () => {
    await sql.insert('tenants', { id: 'ten' });
    const over = { user_id: null, finished_at: new Date() };
    await sql.insert('erasures', { tenant_id: 'ten', id: 'act', name: 'x', requested_at: inSeconds(-900), ...over });
    await sql.insert('tenant_ends', {
      tenant_id: 'ten',
      requested_at: inSeconds(-900),
      step: 'ended',
      ended_at: new Date(),
    });
    expect(await sql.call('oldest_erasures')).toEqual([{ erasure: 0, tenant_end: 0 }]);
  });

  test('is the age of the oldest that is not finished, of all tenants', async () => {
    for (const [tenant_id, ago] of [
      ['ten', 100],
      ['ten_other', 300],
    ] as const) {
      await sql.insert('tenants', { id: tenant_id });
      await sql.insert('erasures', { tenant_id, id: 'act', user_id: 'ann', name: 'x', requested_at: inSeconds(-ago) });
      await sql.insert('tenant_ends', { tenant_id, requested_at: inSeconds(-2 * ago) });
    }
    const [oldest] = await sql.call<{ erasure: number; tenant_end: number }>('oldest_erasures');
    expect(Math.round((oldest?.erasure ?? 0) / 10)).toBe(30);
    expect(Math.round((oldest?.tenant_end ?? 0) / 10)).toBe(60);
  });
});

describe('drop_old_erasures', () => {
  test('deletes what was finished before, in steps, and nothing that goes on', async () => {
    const day = 24 * 3_600;
    for (const tenant_id of ['ten', 'ten_other']) {
      await sql.insert('tenants', { id: tenant_id });
      for (const [id, days] of Object.entries({ a: 50, b: 60, c: 70, lately: 30 }))
        await sql.insert('erasures', { tenant_id, id, name: 'x', user_id: null, finished_at: inSeconds(-days * day) });
      await sql.insert('erasures', {
        tenant_id,
        id: 'on',
        user_id: 'ann',
        name: 'x',
        requested_at: inSeconds(-90 * day),
      });
    }
    const before = new Date(Date.now() - 40 * day * 1_000);
    const left = async (tenant: string) =>
      (await sql.query('select id from erasures where tenant_id = $1 order by id', [tenant])).map(({ id }) => id);
    expect(await sql.value('drop_old_erasures', { tenant: 'ten', before, most: 2 })).toBe(2);
    expect(await left('ten')).toEqual(['a', 'lately', 'on']);
    expect(await sql.value('drop_old_erasures', { tenant: 'ten', before, most: 2 })).toBe(1);
    expect(await left('ten')).toEqual(['lately', 'on']);
    expect(await left('ten_other')).toHaveLength(5);
  });
});
