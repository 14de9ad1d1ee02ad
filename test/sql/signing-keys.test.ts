/** The functions of signing keys. */
import { expectDropped } from '../support/ended-tenant.ts';
import { fromNow, inSeconds, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  await sql.insert('tenants', { id: 'ten' });
  await sql.insert('tenants', { id: 'ten_other' });
});
afterEach(() => sql.rollback());

type Row = Record<string, unknown>;

async function putKeys(keys: Row[]): Promise<void> {
  for (const key of keys) await sql.insert('signing_keys', { tenant_id: 'ten', ...key });
}

describe('signing_key_to_use', () => {
  const active = { id: 'active', state: 'active', created_at: inSeconds(-100) };
  const retiring = { id: 'retiring', state: 'retiring', created_at: inSeconds(-50) };

  test.each<[string, Row[], string | null]>([
    ['the active key', [active], 'active'],
    ['the active key, beside a younger one that is retiring', [retiring, active], 'active'],
    ['the retiring key, if none is active', [retiring], 'retiring'],
    [
      'the newest of the retiring keys',
      [
        { ...retiring, id: 'older', created_at: inSeconds(-60) },
        retiring,
        { ...retiring, id: 'oldest', created_at: inSeconds(-70) },
      ],
      'retiring',
    ],
    ['none that is being imported', [{ id: 'importing', state: 'importing', arn: null }], null],
    ['none that is being deleted', [{ id: 'deleting', state: 'deleting' }], null],
    ['none of another tenant', [{ ...active, tenant_id: 'ten_other' }], null],
    ['none, if there are none', [], null],
  ])('is %s', async (_, keys, id) => {
    await putKeys(keys);
    expect(await sql.call('signing_key_to_use', { tenant: 'ten' })).toMatchObject([{ id }]);
  });
});

describe('take_idle_signing_keys', () => {
  const ask = { olderThan: '1 minute', expiredFor: '1 hour', limit: 10 };
  const hour = 3_600_000;

  /** A key, the expiry of a token that it signed, and whether it can go. */
  test.each<[string, Row, unknown, boolean]>([
    ['a key whose import was cut short', { state: 'importing', created_at: fromNow(-60_001) }, null, true],
    ['a key that somebody may still be importing', { state: 'importing', created_at: fromNow(-59_999) }, null, false],
    ['a key whose deletion was cut short', { state: 'deleting' }, null, true],
    ['a key whose deletion was cut short, with tokens that last', { state: 'deleting' }, fromNow(hour), true],
    ['a key that was tried just now', { state: 'deleting', attempted_at: fromNow(-30_000) }, null, false],
    [
      'a key that was tried before the clock was set back',
      { state: 'deleting', attempted_at: fromNow(hour) },
      null,
      true,
    ],
    ['a retiring key that signed nothing', { state: 'retiring' }, null, true],
    ['a retiring key whose last token expired long ago', { state: 'retiring' }, fromNow(-hour), true],
    ['a retiring key whose last token expired not long ago', { state: 'retiring' }, fromNow(-hour + 1), false],
    ['a retiring key whose last token lasts', { state: 'retiring' }, fromNow(hour), false],
    ['an active key that signed nothing', { state: 'active', created_at: fromNow(-hour) }, null, false],
  ])('%s', async (_, key, expiresAt, isIdle) => {
    await putKeys([{ id: 'key', ...key }]);
    const grants: Row[] = [{ tenant_id: 'ten_other', expires_at: fromNow(hour) }];
    if (expiresAt !== null) grants.push({ expires_at: fromNow(-2 * hour) }, { expires_at: expiresAt });
    for (const grant of grants) {
      await sql.insert('grants', { tenant_id: 'ten', space_id: 'spc', signing_key_id: 'key', ...grant });
    }
    expect(await sql.call('take_idle_signing_keys', ask)).toEqual(isIdle ? [{ tenant_id: 'ten', id: 'key' }] : []);
  });

  test('lists no more than asked for', async () => {
    await putKeys([{ state: 'deleting' }, { state: 'retiring' }, { state: 'deleting' }]);
    expect(await sql.call('take_idle_signing_keys', { ...ask, limit: 2 })).toHaveLength(2);
    expect(await sql.call('take_idle_signing_keys', { ...ask, limit: 0 })).toEqual([]);
  });

  test('shows the service the ids of all tenants, and nothing else of the keys', async () => {
    await putKeys([
      { id: 'a', state: 'deleting' },
      { id: 'b', state: 'deleting', tenant_id: 'ten_other' },
    ]);
    await sql.becomeService();
    expect(await sql.query('select id from signing_keys')).toEqual([]);
    const keys = await sql.call<{ id: string }>('take_idle_signing_keys', ask);
    expect(keys.toSorted((one, two) => one.id.localeCompare(two.id))).toEqual([
      { tenant_id: 'ten', id: 'a' },
      { tenant_id: 'ten_other', id: 'b' },
    ]);
  });
});

describe('take_signing_keys_to_compare', () => {
  const ask = { olderThan: '1 minute', limit: 10 };
  const made = { created_at: fromNow(-60_001) };

  test.each<[string, Row, boolean]>([
    ['an active key', { ...made, state: 'active' }, true],
    ['a retiring key', { ...made, state: 'retiring' }, true],
    ['a key that is being imported', { ...made, state: 'importing', arn: null }, false],
    ['a key that is being deleted', { ...made, state: 'deleting' }, false],
    ['a key that IVS may not list yet', { state: 'active', created_at: fromNow(-59_999) }, false],
    ['a key that was compared just now', { ...made, compared_at: fromNow(-30_000) }, false],
    ['a key that was compared before the clock was set back', { ...made, compared_at: fromNow(3_600_000) }, true],
  ])('%s', async (_, key, isTaken) => {
    await putKeys([{ id: 'key', arn: 'arn', ...key }]);
    const rows = await sql.call('take_signing_keys_to_compare', ask);
    expect(rows).toMatchObject(isTaken ? [{ tenant_id: 'ten', id: 'key', arn: 'arn' }] : []);
    expect(await sql.call('take_signing_keys_to_compare', ask)).toEqual([]);
  });

  test('tells the service in which account to look', async () => {
    const account = { region: 'eu-west-1', aws_role_arn: 'arn:aws:iam::1:role/r', aws_external_id: 'x' };
    await sql.insert('tenants', { id: 'ten_account', ...account });
    await putKeys([made, { ...made, tenant_id: 'ten_account' }]);
    await sql.becomeService();
    const rows = await sql.call<{ tenant_id: string }>('take_signing_keys_to_compare', ask);
    expect(rows.toSorted((one, two) => one.tenant_id.localeCompare(two.tenant_id))).toMatchObject([
      { tenant_id: 'ten', account: 'own us-east-1', region: 'us-east-1', aws_role_arn: null },
      { tenant_id: 'ten_account', account: 'arn:aws:iam::1:role/r eu-west-1', ...account },
    ]);
  });

  test('takes no more than asked for', async () => {
    await putKeys([
      { ...made, state: 'active' },
      { ...made, state: 'retiring' },
      { ...made, state: 'retiring' },
    ]);
    expect(await sql.call('take_signing_keys_to_compare', { ...ask, limit: 2 })).toHaveLength(2);
  });
});

describe('unknown_signing_keys', () => {
  test('are those that tenants of this database do not have', async () => {
    await putKeys([{ id: 'known' }, { id: 'foreign', tenant_id: 'ten_other' }]);
    await sql.becomeService();
    const tenants = ['ten', 'ten', 'ten', 'ten_elsewhere'];
    const keys = ['known', 'foreign', 'unknown', 'elsewhere'];
    expect(await sql.value('unknown_signing_keys', { tenants, keys })).toEqual(['foreign', 'unknown']);
    expect(await sql.value('unknown_signing_keys', { tenants: [], keys: [] })).toEqual([]);
  });
});

describe('removed_signing_keys', () => {
  test('lists the keys of the tenant that IVS has deleted', async () => {
    const gone = { state: 'deleting', removed_at: inSeconds(-1) };
    await sql.insert('signing_keys', { tenant_id: 'ten', id: 'gone', ...gone });
    await sql.insert('signing_keys', { tenant_id: 'ten', id: 'going', state: 'deleting' });
    await sql.insert('signing_keys', { tenant_id: 'ten', id: 'active' });
    await sql.insert('signing_keys', { tenant_id: 'ten_other', id: 'foreign', ...gone });
    expect(await sql.value('removed_signing_keys', { tenant: 'ten' })).toEqual(['gone']);
  });

  test('lists none where there is none', async () => {
    expect(await sql.value('removed_signing_keys', { tenant: 'ten_gone' })).toEqual([]);
  });
});

describe('restore_key_deletion', () => {
  test.each<[string, Row, boolean]>([
    ['the active key', { state: 'active' }, true],
    ['a key that retires', { state: 'retiring' }, true],
    ['a key that is being deleted', { state: 'deleting' }, false],
    ['a key that IVS has deleted', { state: 'retiring', removed_at: inSeconds(-1) }, false],
    ['a key of another tenant', { tenant_id: 'ten_other' }, false],
  ])('%s', async (_, row, isDeleted) => {
    await putKeys([{ id: 'sgk', ...row }]);
    expect(await sql.value('restore_key_deletion', { tenant: 'ten', key: 'sgk' })).toBe(isDeleted);
    const due = await sql.call('take_idle_signing_keys', { olderThan: '0 seconds', expiredFor: '1 hour', limit: 10 });
    expect(due.map(({ id }) => id)).toEqual(isDeleted || row['state'] === 'deleting' ? ['sgk'] : expect.anything());
  });
});

describe('sealed_signing_keys', () => {
  const other = Buffer.from('02aabbccdd', 'hex');
  const after = async (tenant: string, id: string, most = 10) => {
    const rows = await sql.call('sealed_signing_keys', { seal: 'unnamed', tenant, id, most });
    return rows.map((row) => `${String(row['tenant_id'])} ${String(row['id'])}`);
  };

  test('returns what another key has sealed, of all tenants, in the order of their keys', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten_other', 'a', other],
      ['ten', 'b', other],
      ['ten', 'a', other],
      ['ten', 'c', Buffer.from('01', 'hex')],
    ] as const)
      await sql.insert('signing_keys', { tenant_id, id, private_key: sealed, state: 'retiring' });
    await sql.become('stagedoor_test_service');
    const all = ['ten a', 'ten b', 'ten_other a'];
    expect(await after('', '')).toEqual(all);
    expect(await after('ten', 'a')).toEqual(all.slice(1));
    expect(await after('', '', 2)).toEqual(all.slice(0, 2));
    expect(await sql.call('sealed_signing_keys', { seal: 'aabbccdd', tenant: '', id: '', most: 10 })).toEqual([
      { tenant_id: 'ten', id: 'c', sealed: Buffer.from('01', 'hex') },
    ]);
  });
});

describe('seals_of_signing_keys', () => {
  test('counts the values of all tenants by their key', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten', 'a', '01'],
      ['ten', 'b', '02aabbccdd00'],
      ['ten_other', 'a', '02aabbccdd11'],
    ] as const)
      await sql.insert('signing_keys', { tenant_id, id, private_key: Buffer.from(sealed, 'hex'), state: 'retiring' });
    await sql.become('stagedoor_test_service');
    const rows = await sql.call('seals_of_signing_keys');
    expect(rows.toSorted((one, two) => String(one['seal']).localeCompare(String(two['seal'])))).toEqual([
      { seal: 'aabbccdd', secrets: '2' },
      { seal: 'unnamed', secrets: '1' },
    ]);
  });
});

describe('drop_signing_keys_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['signing_keys', { id: 'sgk' }],
      ['signing_keys', { id: 'sgk_b', state: 'retiring' }],
    ];
    await expectDropped(sql, ['signing_keys'], rows, (args) => sql.value('drop_signing_keys_of_tenant', args));
  });
});
