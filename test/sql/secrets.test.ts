/** The functions of master keys and data keys. */
import { expectDropped } from '../support/ended-tenant.ts';
import { inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

const root = Buffer.from('root');
const put = (id: string, row: Record<string, unknown> = {}) =>
  sql.insert('master_keys', { id, began: false, root, ...row });
const ids = async () => (await sql.call('list_master_keys')).map(({ id }) => id);

describe('seal_of', () => {
  test.each([
    ['01ffff', 'unnamed'],
    ['02aabbccddff', 'aabbccdd'],
    ['03aabbccddff', 'aabbccdd'],
    ['', null],
    [null, null],
  ])('of %p is %p', async (sealed, seal) => {
    const args = { sealed: sealed === null ? null : Buffer.from(sealed, 'hex') };
    expect(await sql.value('seal_of', args)).toBe(seal);
  });
});

describe('list_master_keys', () => {
  test('has the one that was used first first', async () => {
    await put('b', { first_used_at: inSeconds(-1) });
    await put('a', { first_used_at: inSeconds(-2) });
    await put('c', { first_used_at: inSeconds(0) });
    expect(await ids()).toEqual(['a', 'b', 'c']);
  });
});

describe('use_master_key', () => {
  test('notes a key once, and each time that it is used', async () => {
    await put('a', { began: true, used_at: inSeconds(-60) });
    await sql.become('stagedoor_test_service');
    await sql.call('use_master_key', { key: 'b', began: false, root, kmsKey: 'arn' });
    await sql.call('use_master_key', { key: 'a', began: false, root: Buffer.from('another'), kmsKey: null });
    const rows = await sql.query(
      `select id, began, root, kms_key, used_at > clock_timestamp() - interval '30 seconds' as is_used from master_keys order by id`,
    );
    expect(rows).toEqual([
      { id: 'a', began: true, root, kms_key: null, is_used: true },
      { id: 'b', began: false, root, kms_key: 'arn', is_used: true },
    ]);
  });
});

describe('forget_master_key', () => {
  const forget = (key: string) => sql.value('forget_master_key', { key, idle: '10 minutes' });

  test('forgets a key that no replica has sealed with for some time', async () => {
    await put('a', { used_at: inSeconds(-601) });
    await put('b', { used_at: inSeconds(-500) });
    await sql.become('stagedoor_test_service');
    expect([await forget('a'), await forget('b'), await forget('gone')]).toEqual([true, false, false]);
    expect(await ids()).toEqual(['b']);
  });
});

const [one, other] = [Buffer.from('one'), Buffer.from('other')];

describe('find_data_key', () => {
  test('finds that of the tenant and the master key alone', async () => {
    await sql.insert('data_keys', { tenant_id: 'ten_a', master_key: 'a', data_key: one });
    await sql.become('stagedoor_test_service');
    const find = (tenant: string, key: string) => sql.value('find_data_key', { tenant, key });
    expect([await find('ten_a', 'a'), await find('ten_b', 'a'), await find('ten_a', 'b')]).toEqual([one, null, null]);
  });
});

describe('keep_data_key', () => {
  test('keeps the first one, and returns it to who comes later', async () => {
    await sql.become('stagedoor_test_service');
    const keep = (tenant: string, dataKey: Buffer) => sql.value('keep_data_key', { tenant, key: 'a', dataKey });
    expect([await keep('ten_a', one), await keep('ten_a', other), await keep('ten_b', other)]).toEqual([
      one,
      one,
      other,
    ]);
  });
});

describe('drop_data_keys_of_tenant', () => {
  test('deletes the data keys of the tenant that is being ended, in steps', async () => {
    await expectDropped(
      sql,
      ['data_keys'],
      [
        ['data_keys', { master_key: 'a', data_key: one }],
        ['data_keys', { master_key: 'b', data_key: one }],
      ],
      (args) => sql.value('drop_data_keys_of_tenant', args),
    );
  });
});
