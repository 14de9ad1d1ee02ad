/** The functions of idempotency keys. */
import { fromNow, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

describe('sweep_idempotency_keys', () => {
  async function put(key: string, createdAt: unknown, tenant = 'ten'): Promise<void> {
    await sql.insert('idempotency_keys', {
      tenant_id: tenant,
      caller: 'key',
      operation: 'POST /spaces',
      key,
      request_hash: Buffer.from('hash'),
      state: 'answered',
      created_at: createdAt,
      taken_until: createdAt,
    });
  }

  async function left(): Promise<unknown[]> {
    return (await sql.query('select key from idempotency_keys order by key')).map(({ key }) => key);
  }

  test.each<[string, number, boolean]>([
    ['a key that is older', -60_001, true],
    ['a key that is a little younger', -59_999, false],
    ['a key of now', 0, false],
  ])('%s', async (_, createdAt, isForgotten) => {
    await put('one', fromNow(createdAt));
    expect(await sql.value('sweep_idempotency_keys', { olderThan: '1 minute', most: 10 })).toBe(
      isForgotten ? '1' : '0',
    );
    expect(await left()).toEqual(isForgotten ? [] : ['one']);
  });

  test('serves the service for all tenants, and tells how many', async () => {
    await put('a', fromNow(-70_000));
    await put('b', fromNow(-70_000), 'ten_other');
    await put('c', fromNow(-70_000), 'operator');
    await put('d', fromNow(0), 'ten_other');
    await sql.becomeService();
    expect(await left()).toEqual([]);
    expect(await sql.value('sweep_idempotency_keys', { olderThan: '1 minute', most: 10 })).toBe('3');
    await sql.query('reset role');
    expect(await left()).toEqual(['d']);
  });

  test('forgets the oldest keys first, and no more than the limit', async () => {
    for (const age of [3, 1, 2]) await put(`${age} hours`, fromNow(-age * 3_600_000));
    const sweep = () => sql.value('sweep_idempotency_keys', { olderThan: '1 minute', most: 2 });
    expect(await sweep()).toBe('2');
    expect(await left()).toEqual(['1 hours']);
    expect(await sweep()).toBe('1');
    expect(await sweep()).toBe('0');
  });

  test('forgets nothing if there is nothing', async () => {
    expect(await sql.value('sweep_idempotency_keys', { olderThan: '0', most: 10 })).toBe('0');
  });
});
