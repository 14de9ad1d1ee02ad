/** The functions of issuers. */
import { expectDropped } from '../support/ended-tenant.ts';
import { SqlSession } from '../support/sql.ts';

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

describe('issuer_holds', () => {
  test.each<[string, Record<string, unknown>, string | null, boolean]>([
    ['a version of an issuer of the tenant', {}, 'iss.3', true],
    ['an older version', {}, 'iss.2', false],
    ['a later version', {}, 'iss.4', false],
    ['no version', {}, 'iss', false],
    ['a version that is no number', {}, 'iss.x', false],
    ['an issuer of another tenant', { tenant_id: 'ten_other' }, 'iss.3', false],
    ['an issuer that is not there', {}, 'iss_gone.3', false],
    ['no issuer', {}, null, false],
  ])('%s', async (_, row, issuer, holds) => {
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', version: 3, ...row });
    expect(await sql.value('issuer_holds', { tenant: 'ten', issuer })).toBe(holds);
  });
});

describe('read_issuer', () => {
  test('gives the service a whole row before the tenant is known, and no other', async () => {
    const row = await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', version: 3 });
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss_beside', audience: 'beside' });
    await sql.becomeService();
    expect(await sql.query('select id from issuers')).toEqual([]);
    expect(await sql.call('read_issuer', { tenant: 'ten', issuer: 'iss' })).toEqual([row]);
    expect(await sql.call('read_issuer', { tenant: 'ten_other', issuer: 'iss' })).toEqual([]);
    expect(await sql.call('read_issuer', { tenant: 'ten', issuer: null })).toEqual([]);
  });
});

describe('issuer_row', () => {
  test('has all columns, and nothing of another tenant', async () => {
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', version: 3, secret: Buffer.from('sealed') });
    expect(await sql.value('issuer_row', { tenant: 'ten', issuer: 'iss' })).toMatchObject({
      id: 'iss',
      version: 3,
      secret: `\\x${Buffer.from('sealed').toString('hex')}`,
    });
    expect(await sql.value('issuer_row', { tenant: 'ten_other', issuer: 'iss' })).toBeNull();
  });
});

describe('restore_issuer', () => {
  const restore = (row: unknown) =>
    sql.value('restore_issuer', { tenant: 'ten', issuer: 'iss', row: row === null ? null : JSON.stringify(row) });

  test('makes an issuer what it was, with the secret as it is stored', async () => {
    const after = await sql.insert('issuers', {
      tenant_id: 'ten',
      id: 'iss',
      version: 3,
      jwks_uri: null,
      jwks: { keys: [] },
      secret: Buffer.from('sealed'),
      roles: { admin: 'host' },
    });
    const row = await sql.value('issuer_row', { tenant: 'ten', issuer: 'iss' });
    await sql.query('delete from issuers');
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', version: 2, created_at: after['created_at'] });
    expect(await restore(row)).toBe(true);
    expect(await sql.query('select * from issuers')).toEqual([after]);
    expect(await restore(row)).toBe(false);
  });

  test('deletes an issuer that was deleted, and makes none', async () => {
    const row = { id: 'iss', version: 3 };
    expect(await restore(row)).toBe(false);
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss' });
    await sql.insert('issuers', { tenant_id: 'ten_other', id: 'iss' });
    expect(await restore(null)).toBe(true);
    expect(await sql.query('select tenant_id from issuers')).toEqual([{ tenant_id: 'ten_other' }]);
    expect(await restore(null)).toBe(false);
  });
});

describe('sealed_issuers', () => {
  const other = Buffer.from('02aabbccdd', 'hex');
  const after = async (tenant: string, id: string, most = 10) => {
    const rows = await sql.call('sealed_issuers', { seal: 'unnamed', tenant, id, most });
    return rows.map((row) => `${String(row['tenant_id'])} ${String(row['id'])}`);
  };

  test('returns what another key has sealed, of all tenants, in the order of their keys', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten_other', 'a', other],
      ['ten', 'b', other],
      ['ten', 'a', other],
      ['ten', 'c', Buffer.from('01', 'hex')],
    ] as const)
      await sql.insert('issuers', { tenant_id, id, secret: sealed, audience: id });
    await sql.become('stagedoor_test_service');
    const all = ['ten a', 'ten b', 'ten_other a'];
    expect(await after('', '')).toEqual(all);
    expect(await after('ten', 'a')).toEqual(all.slice(1));
    expect(await after('', '', 2)).toEqual(all.slice(0, 2));
    expect(await sql.call('sealed_issuers', { seal: 'aabbccdd', tenant: '', id: '', most: 10 })).toEqual([
      { tenant_id: 'ten', id: 'c', sealed: Buffer.from('01', 'hex') },
    ]);
  });
});

describe('seals_of_issuers', () => {
  test('counts the values of all tenants by their key', async () => {
    for (const [tenant_id, id, sealed] of [
      ['ten', 'a', '01'],
      ['ten', 'b', '02aabbccdd00'],
      ['ten_other', 'a', '02aabbccdd11'],
    ] as const)
      await sql.insert('issuers', { tenant_id, id, secret: Buffer.from(sealed, 'hex'), audience: id });
    await sql.become('stagedoor_test_service');
    const rows = await sql.call('seals_of_issuers');
    expect(rows.toSorted((one, two) => String(one['seal']).localeCompare(String(two['seal'])))).toEqual([
      { seal: 'aabbccdd', secrets: '2' },
      { seal: 'unnamed', secrets: '1' },
    ]);
  });
});

describe('drop_issuers_of_tenant', () => {
  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['issuers', { id: 'iss' }],
      ['issuers', { id: 'iss_b', audience: 'another' }],
    ];
    await expectDropped(sql, ['issuers'], rows, (args) => sql.value('drop_issuers_of_tenant', args));
  });
});
