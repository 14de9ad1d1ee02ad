/** The functions of issuers. */
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
