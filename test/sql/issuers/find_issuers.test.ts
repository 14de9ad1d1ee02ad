/** `find_issuers`, as a table: who registered what first, and whose issuers a token may be of. */
import { fromNow, SqlSession } from '../../support/sql.ts';

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

/** Tenant, id, audience, and how many seconds ago it was registered. */
type Registered = [tenant: string, id: string, audience: string, secondsAgo: number];

const issuer = 'https://issuer.example';

async function find(rows: Registered[], audiences: string[] | null, of: string | null = issuer): Promise<string[]> {
  for (const [tenant, id, audience, secondsAgo] of rows) {
    await sql.insert('issuers', { tenant_id: tenant, id, issuer, audience, created_at: fromNow(-1000 * secondsAgo) });
  }
  const found = await sql.call<{ id: string }>('find_issuers', { issuer: of, audiences });
  return found.map(({ id }) => id);
}

const mine: Registered = ['ten', 'iss', 'app', 60];

describe('find_issuers', () => {
  test.each<[string, Registered[], string[] | null, string[]]>([
    ['the issuer of an audience', [mine], ['app'], ['iss']],
    ['the issuer of one audience among those of the token', [mine], ['web', 'app'], ['iss']],
    ['nothing for another audience', [mine], ['web'], []],
    ['nothing for a token without an audience', [mine], [], []],
    ['nothing for a null list of audiences', [mine], null, []],
    [
      'two of one tenant, first registered first',
      [mine, ['ten', 'iss_b', 'web', 90]],
      ['app', 'web'],
      ['iss_b', 'iss'],
    ],
    [
      'two at most',
      [mine, ['ten', 'iss_b', 'web', 50], ['ten', 'iss_c', 'tv', 40]],
      ['app', 'web', 'tv'],
      ['iss', 'iss_b'],
    ],
    ['those of the tenant that came first', [mine, ['ten_other', 'iss_o', 'web', 30]], ['app', 'web'], ['iss']],
    [
      'those of the tenant that came first, with another tenant in between',
      [mine, ['ten_other', 'iss_o', 'web', 50], ['ten', 'iss_c', 'tv', 40]],
      ['app', 'web', 'tv'],
      ['iss', 'iss_c'],
    ],
    [
      'those of another tenant, if the first one has none of the audiences',
      [mine, ['ten_other', 'iss_o', 'web', 30]],
      ['web'],
      ['iss_o'],
    ],
    [
      'those of the lower id, if two were registered at the same moment',
      [
        ['ten_other', 'iss_b', 'web', 60],
        ['ten', 'iss_a', 'app', 60],
      ],
      ['app', 'web'],
      ['iss_a'],
    ],
  ])('finds %s', async (_, rows, audiences, found) => {
    expect(await find(rows, audiences)).toEqual(found);
  });

  test.each(['https://other.example', `${issuer}/`, null])('finds nothing of the issuer %p', async (other) => {
    expect(await find([mine], ['app'], other)).toEqual([]);
  });

  test('tells the service the version, and no keys, before the tenant is known', async () => {
    await sql.insert('issuers', { tenant_id: 'ten', id: 'iss', issuer, audience: 'app', version: 7 });
    await sql.becomeService();
    expect(await sql.query('select id from issuers')).toEqual([]);
    const found = await sql.call('find_issuers', { issuer, audiences: ['app'] });
    expect(found).toEqual([{ tenant_id: 'ten', id: 'iss', version: 7 }]);
  });
});
