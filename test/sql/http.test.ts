/** The functions of idempotency keys. */
import { expectDropped } from '../support/ended-tenant.ts';
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

describe('seals_of_answers', () => {
  test('counts the answers of all tenants by the key that has sealed them', async () => {
    for (const [tenant_id, key, answer] of [
      ['ten', 'a', '01'],
      ['ten', 'b', '02aabbccdd00'],
      ['ten_other', 'a', '02aabbccdd11'],
      ['ten_other', 'b', null],
    ] as const)
      await sql.query(
        `insert into idempotency_keys (tenant_id, caller, operation, key, request_hash, state, answer, taken_until)
         values ($1, 'x', 'x', $2, '', 'answered', $3, now())`,
        [tenant_id, key, answer === null ? null : Buffer.from(answer, 'hex')],
      );
    await sql.become('stagedoor_test_service');
    const rows = await sql.call('seals_of_answers');
    expect(rows.toSorted((one, two) => String(one['seal']).localeCompare(String(two['seal'])))).toEqual([
      { seal: 'aabbccdd', secrets: '2' },
      { seal: 'unnamed', secrets: '1' },
    ]);
  });
});

describe('drop_idempotency_keys_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      [
        'idempotency_keys',
        {
          caller: 'key',
          operation: 'POST /',
          key: 'a',
          request_hash: Buffer.from('hash'),
          state: 'running',
          taken_until: new Date(),
        },
      ],
    ];
    await expectDropped(sql, ['idempotency_keys'], rows, (args) => sql.value('drop_idempotency_keys_of_tenant', args));
  });
});
