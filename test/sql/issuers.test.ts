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
    ['an issuer of the tenant', {}, 'iss', true],
    ['an issuer of another tenant', { tenant_id: 'ten_other' }, 'iss', false],
    ['an issuer that is not there', {}, 'iss_gone', false],
    ['no issuer', {}, null, false],
  ])('%s', async (_, row, issuer, holds) => {
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', ...row });
    expect(await sql.value('issuer_holds', { tenant: 'ten', issuer })).toBe(holds);
  });
});
