/** The functions of API keys. */
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten', slug: 'acme' });
  await sql.insert('tenants', { id: 'ten_other', slug: 'other' });
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

/** A key, and whether it is good. */
const keys: [string, Row, boolean][] = [
  ['a key without an end', {}, true],
  ['a key that expires later', { expires_at: fromNow(1) }, true],
  ['a key that expires now', { expires_at: fromNow(0) }, false],
  ['a key that has expired', { expires_at: inSeconds(-60) }, false],
  ['a key that was revoked', { revoked_at: inSeconds(-60) }, false],
  ['a key that was revoked and expires later', { revoked_at: inSeconds(-60), expires_at: inSeconds(60) }, false],
  ['a key of another tenant', { tenant_id: 'ten_other' }, false],
  ['another key', { id: 'key_other', hash: Buffer.from('other') }, false],
];

describe('api_key_holds', () => {
  test.each(keys)('%s', async (_, key, holds) => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key', ...key });
    expect(await sql.value('api_key_holds', { tenant: 'ten', key: 'key' })).toBe(holds);
  });

  test('no key', async () => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key' });
    expect(await sql.value('api_key_holds', { tenant: 'ten', key: null })).toBe(false);
  });
});

describe('api_key_rights', () => {
  const rights = (asked: Row = {}) => sql.value('api_key_rights', { tenant: 'ten', key: 'key', ...asked });

  test('the name, the scopes and the bounds of a key', async () => {
    const row = { tenant_id: 'ten', id: 'key', name: 'Night', scopes: ['a', 'b'], bounds: { roles: ['host'] } };
    await sql.insert('api_keys', row);
    await sql.insert('api_keys', { tenant_id: 'ten_other', id: 'key', name: 'theirs' });
    expect(await rights()).toEqual({ name: 'Night', scopes: ['a', 'b'], bounds: { roles: ['host'] } });
  });

  test.each<[string, Row]>([
    ['another key', { key: 'another' }],
    ['no key', { key: null }],
    ['another tenant', { tenant: 'ten_other' }],
  ])('null for %s', async (_, asked) => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key' });
    expect(await rights(asked)).toBeNull();
  });
});

describe('find_api_key', () => {
  const hash = Buffer.from('hash');

  async function find(changed: Row = {}): Promise<Row[]> {
    return await sql.call('find_api_key', { slug: 'acme', hash, noteEvery: '1 minute', ...changed });
  }

  test.each(keys)('%s', async (_, key, good) => {
    const row = await sql.insert('api_keys', {
      tenant_id: 'ten',
      id: 'key',
      hash,
      scopes: ['a', 'b'],
      bounds: { roles: ['host'] },
      ...key,
    });
    expect(await find()).toEqual(
      good
        ? [
            {
              tenant_id: 'ten',
              id: 'key',
              scopes: ['a', 'b'],
              expires_at: row['expires_at'],
              bounds: { roles: ['host'] },
            },
          ]
        : [],
    );
    // The use of a key that is not good is not noted.
    expect(await sql.query('select id from api_keys where last_used_at is not null')).toEqual(
      good ? [{ id: 'key' }] : [],
    );
  });

  test.each<[string, Row]>([
    ['a slug that no tenant has', { slug: 'nobody' }],
    ['no slug', { slug: null }],
    ['no hash', { hash: null }],
  ])('finds nothing for %s', async (_, asked) => {
    await sql.insert('api_keys', { tenant_id: 'ten', hash });
    expect(await find(asked)).toEqual([]);
  });

  test('finds the key of the tenant whose slug it is, of two with the same hash', async () => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key', hash });
    await sql.insert('api_keys', { tenant_id: 'ten_other', id: 'key_other', hash });
    expect(await find()).toMatchObject([{ tenant_id: 'ten', id: 'key' }]);
    expect(await sql.query('select id from api_keys where last_used_at is not null')).toEqual([{ id: 'key' }]);
  });

  test.each<[string, unknown, boolean]>([
    ['a key that was never used', null, true],
    ['a key that was used more than the given time ago', fromNow(-60_001), true],
    ['a key that was used within the given time', fromNow(-59_000), false],
  ])('notes the use of %s, or does not', async (_, usedAt, noted) => {
    const before = await sql.insert('api_keys', { tenant_id: 'ten', id: 'key', hash, last_used_at: usedAt });
    const beside = await sql.insert('api_keys', { tenant_id: 'ten', id: 'key_beside', last_used_at: usedAt });
    await find();
    const after = await sql.query('select last_used_at, last_used_at = now()::timestamptz(3) as is_now from api_keys');
    expect(after).toContainEqual({ last_used_at: beside['last_used_at'], is_now: usedAt === null ? null : false });
    expect(after).toContainEqual(
      noted
        ? { last_used_at: expect.any(Date), is_now: true }
        : { last_used_at: before['last_used_at'], is_now: false },
    );
  });

  test('serves the service before the tenant is known, and shows it no other key', async () => {
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key', hash });
    await sql.insert('api_keys', { tenant_id: 'ten', id: 'key_beside' });
    await sql.becomeService();
    expect(await sql.query('select id from api_keys')).toEqual([]);
    expect(await find()).toEqual([{ tenant_id: 'ten', id: 'key', scopes: ['*'], expires_at: null, bounds: {} }]);
  });
});

describe('lock_api_key', () => {
  test.each(
    keys.flatMap(([name, key, good]) => [false, true].map((exclusively) => ({ name, key, good, exclusively }))),
  )('$name, exclusively: $exclusively', async ({ key, good, exclusively }) => {
    const row = await sql.insert('api_keys', { tenant_id: 'ten', id: 'key', ...key });
    const found = await sql.call('lock_api_key', { tenant: 'ten', key: 'key', exclusively });
    expect(found).toEqual(good ? [row] : []);
  });
});

describe('revoke_api_keys', () => {
  const revoke = (changed: Row = {}) =>
    sql.value('revoke_api_keys', { tenant: 'ten', key: 'a', by: 'by', descendants: true, ...changed });
  const good = async () =>
    (await sql.query<{ id: string }>('select id from api_keys where revoked_at is null order by id')).map(
      ({ id }) => id,
    );

  /** `a` made `b` and `by`, `b` made `c`, and `by` made `d`; `e` belongs to nobody of them. */
  beforeEach(async () => {
    const parents = { a: null, b: 'a', by: 'a', c: 'b', d: 'by', e: null };
    for (const [id, parent] of Object.entries(parents)) {
      await sql.insert('api_keys', { tenant_id: 'ten', id, hash: Buffer.from(id), parent_id: parent });
    }
  });

  test.each<[string, Row, string[], string[]]>([
    ['one key', { descendants: false }, ['a'], ['b', 'by', 'c', 'd', 'e']],
    ['a key and its descendants, but not the one that asks', {}, ['a', 'b', 'c'], ['by', 'd', 'e']],
    ['all descendants, if another asks', { by: 'e' }, ['a', 'b', 'by', 'c', 'd'], ['e']],
    ['the key that asks, and its descendants', { key: 'by' }, ['by', 'd'], ['a', 'b', 'c', 'e']],
    ['no key', { key: 'none' }, [], ['a', 'b', 'by', 'c', 'd', 'e']],
    ['no key of another tenant', { tenant: 'ten_other' }, [], ['a', 'b', 'by', 'c', 'd', 'e']],
  ])('revokes %s', async (_, changed, revoked, left) => {
    expect([...((await revoke(changed)) as string[])].sort()).toEqual(revoked);
    expect(await good()).toEqual(left);
  });

  test('goes on below keys that are revoked, and keeps their time', async () => {
    const at = (await sql.query(`update api_keys set revoked_at = now() - interval '1 hour' where id in ('a', 'b')
      returning revoked_at`)) as Row[];
    expect(await revoke()).toEqual(['c']);
    expect(await sql.query(`select revoked_at from api_keys where id in ('a', 'b')`)).toEqual(at);
  });
});

describe('restore_key_ends', () => {
  const at = '2026-03-01T19:00:00.000Z';
  const entry = { action: 'apiKey.revoke', subject: 'a', at, details: {} as Row };
  const restore = (changed: Partial<typeof entry> = {}) =>
    sql.value('restore_key_ends', { tenant: 'ten', entry: { ...entry, ...changed } });
  const ended = async () => {
    const rows = await sql.query('select tenant_id, id from api_keys where revoked_at = $1 order by 1, 2', [at]);
    return rows.map(({ tenant_id, id }) => `${String(tenant_id)} ${String(id)}`);
  };
  const until = async (id: string) => {
    const [row] = await sql.query("select expires_at, replaced_by from api_keys where tenant_id = 'ten' and id = $1", [
      id,
    ]);
    return row;
  };

  beforeEach(async () => {
    for (const id of ['a', 'b', 'c']) await sql.insert('api_keys', { tenant_id: 'ten', id });
    await sql.insert('api_keys', { tenant_id: 'ten_other', id: 'a' });
  });

  test('revokes the key of the entry, once', async () => {
    expect(await restore()).toBe(true);
    expect(await ended()).toEqual(['ten a']);
    expect(await restore()).toBe(false);
    expect(await restore({ subject: 'gone' })).toBe(false);
  });

  test('revokes its descendants with it', async () => {
    expect(await restore({ details: { revoked: ['a', 'c'] } })).toBe(true);
    expect(await ended()).toEqual(['ten a', 'ten c']);
  });

  test('ends a key that was replaced, and no later than it would have ended', async () => {
    const rotation = { action: 'apiKey.rotate', subject: 'new', details: { replaces: 'a', until: at } };
    expect(await restore(rotation)).toBe(true);
    expect(await until('a')).toEqual({ expires_at: new Date(at), replaced_by: 'new' });
    expect(await restore(rotation)).toBe(false);
    const sooner = new Date('2026-01-01T00:00:00Z');
    await sql.query(`update api_keys set expires_at = $1 where id = 'b'`, [sooner]);
    expect(await restore({ ...rotation, details: { replaces: 'b', until: at } })).toBe(true);
    expect(await until('b')).toEqual({ expires_at: sooner, replaced_by: 'new' });
    expect(await ended()).toEqual([]);
  });
});

describe('drop_api_keys_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['api_keys', { id: 'key' }],
      ['api_keys', { id: 'key_b' }],
    ];
    await expectDropped(sql, ['api_keys'], rows, (args) => sql.value('drop_api_keys_of_tenant', args));
  });
});

describe('drop_old_api_keys', () => {
  const day = 24 * 3_600;
  const before = new Date(Date.now() - 40 * day * 1_000);
  const drop = (most = 10) => sql.value('drop_old_api_keys', { tenant: 'ten', before, most });
  const put = (id: string, parent: string | null, more: object = {}) =>
    sql.insert('api_keys', { tenant_id: 'ten', id, parent_id: parent, ...more });
  const ended = (days: number) => ({ revoked_at: inSeconds(-days * day) });
  const parents = async () =>
    Object.fromEntries(
      (await sql.query(`select id, parent_id from api_keys where tenant_id = 'ten'`)).map(({ id, parent_id }) => [
        id,
        parent_id,
      ]),
    );

  test('deletes keys that were revoked or expired before, those that ended first first, and of no other tenant', async () => {
    await put('revoked', null, ended(50));
    await put('expired', null, { expires_at: inSeconds(-60 * day) });
    await put('expired_first', null, { expires_at: inSeconds(-70 * day), ...ended(5) });
    await put('lately', null, ended(30));
    await put('in_use', null, { expires_at: inSeconds(day) });
    await put('without_end', null);
    await sql.insert('api_keys', { tenant_id: 'ten_other', id: 'other', ...ended(50) });
    expect(await drop(2)).toBe(2);
    expect(Object.keys(await parents()).sort()).toEqual(['in_use', 'lately', 'revoked', 'without_end']);
    expect(await drop(2)).toBe(1);
    expect(await drop(2)).toBe(0);
    expect(await sql.query(`select id from api_keys where tenant_id = 'ten_other'`)).toEqual([{ id: 'other' }]);
  });

  test('leaves what a deleted key has made to the key above it, so that a revocation with descendants finds it', async () => {
    await put('root', null);
    await put('old', 'root', ended(60));
    await put('older', 'old', ended(70));
    await put('kept', 'older');
    await put('below', 'kept');
    await put('first', null, ended(50)); // made by the operator
    await put('second', 'first');
    expect(await drop()).toBe(3);
    expect(await parents()).toEqual({ root: null, kept: 'root', below: 'kept', second: null });
    const args = { tenant: 'ten', key: 'root', by: null, descendants: true };
    expect(await sql.value('revoke_api_keys', args)).toEqual(['root', 'kept', 'below']);
  });

  test('waits for nobody: what somebody works with is left for later', async () => {
    const other = await sql.another();
    try {
      await put('old', null, ended(50));
      await put('made', 'old');
      await sql.commit();
      await other.begin();
      for (const id of ['old', 'made']) {
        await other.query('select from api_keys where id = $1 for update', [id]);
        await sql.begin();
        expect([id, await drop()]).toEqual([id, 0]);
        await sql.rollback();
        await other.rollback();
        await other.begin();
      }
      await sql.begin();
      expect(await drop()).toBe(1);
    } finally {
      await other.stop();
      await sql.query('delete from api_keys');
      await sql.query('delete from tenants');
      await sql.commit();
      await sql.begin();
    }
  });

  test('goes from one end of a row of rotations to the other in steps', async () => {
    for (let n = 0; n < 9; n++) await put(`key_${n}`, n === 0 ? null : `key_${n - 1}`, ended(90 - n));
    await put('now', 'key_8');
    for (const dropped of [4, 4, 1, 0]) expect(await drop(4)).toBe(dropped);
    expect(await parents()).toEqual({ now: null });
  });
});
