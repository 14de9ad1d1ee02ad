/** `find_issuers` and `issuers_of_place`, as tables: who has registered what, and whose issuers a token may be of. */
import { fromNow, limitsWith, SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const id of ['ten_a', 'ten_b', 'ten_c']) await sql.insert('tenants', { id, slug: id.replace('_', '-') });
});
afterEach(() => sql.rollback());

const issuer = 'https://issuer.example';

interface Found {
  id: string;
  audience: string;
  audience_claim: string;
}

/** Tenant, id, audience, how many seconds ago it was registered, and the claim of its audience. */
type Registered = [tenant: string, id: string, audience: string, secondsAgo: number, claim?: string];

async function given(rows: Registered[]): Promise<void> {
  for (const [tenant, id, audience, secondsAgo, claim = 'aud'] of rows) {
    await sql.insert('issuers', {
      tenant_id: tenant,
      id,
      issuer,
      audience,
      audience_claim: claim,
      created_at: fromNow(-1000 * secondsAgo),
    });
  }
}

/** Looks up a token whose claims are pairs of path and value. */
async function find(claims: [string, string][], changed = {}, of: string | null = issuer) {
  const { whole, issuers } = await sql.value<{ whole: boolean; issuers: Found[] }>('find_issuers', {
    issuer: of,
    claims: claims.map(([claim]) => claim),
    audiences: claims.map(([, audience]) => audience),
    limits: limitsWith(changed),
  });
  return { whole, ids: issuers.map(({ id }) => id) };
}

describe('find_issuers', () => {
  const few: Registered[] = [
    ['ten_a', 'iss_a', 'app', 60],
    ['ten_b', 'iss_b', 'app', 90],
    ['ten_a', 'iss_a2', 'web', 30, 'azp'],
  ];

  test('returns all issuers of a name that few have registered, whatever the token', async () => {
    await given(few);
    for (const claims of [[], [['aud', 'other']]] as [string, string][][])
      expect(await find(claims)).toEqual({ whole: true, ids: ['iss_b', 'iss_a', 'iss_a2'] });
  });

  test.each(['https://other.example', `${issuer}/`, null])('finds nothing of the issuer %p', async (other) => {
    await given(few);
    expect(await find([['aud', 'app']], {}, other)).toEqual({ whole: true, ids: [] });
  });

  test.each<[string, [string, string][], string[]]>([
    ['the audience in its own claim', [['azp', 'web']], ['iss_a2']],
    ['no audience in another claim', [['aud', 'web']], []],
    ['the audiences of all tenants, the first registered first', [['aud', 'app']], ['iss_b', 'iss_a']],
    [
      'each tenant before the second of one',
      [
        ['aud', 'app'],
        ['azp', 'web'],
      ],
      ['iss_b', 'iss_a', 'iss_a2'],
    ],
    ['nothing without claims', [], []],
    // The values of one claim never count for another one.
    [
      'no pair that is put together',
      [
        ['azp', 'app'],
        ['aud', 'web'],
      ],
      [],
    ],
  ])('of a name that many have registered, finds %s', async (_, claims, ids) => {
    await given(few);
    expect(await find(claims, { issuersOfName: 2 })).toEqual({ whole: false, ids });
  });

  test('nobody’s rows hide another tenant’s, however many they register', async () => {
    await given(Array.from({ length: 30 }, (_, n): Registered => ['ten_b', `iss_b${n}`, `b${n}`, 500 + n]));
    await given([
      ['ten_a', 'iss_a', 'app', 60],
      ['ten_c', 'iss_c', 'app', 10],
    ]);
    const claims = [['aud', 'app'], ...Array.from({ length: 30 }, (_, n) => ['aud', `b${n}`])] as [string, string][];
    const changed = { issuersOfName: 2, candidatesOfTenant: 2, candidateTenants: 4 };
    expect((await find(claims, changed)).ids).toEqual(['iss_b29', 'iss_a', 'iss_c', 'iss_b28']);
    // One tenant more than are tried, so that the service knows that there are more.
    const fewer = { ...changed, candidatesOfTenant: 1, candidateTenants: 1 };
    expect((await find(claims, fewer)).ids).toEqual(['iss_b29', 'iss_a']);
  });

  test('tells the service the version, and no keys, before the tenant is known', async () => {
    await sql.insert('issuers', { tenant_id: 'ten_a', id: 'iss', issuer, audience: 'app', version: 7 });
    await sql.becomeService();
    expect(await sql.query('select id from issuers')).toEqual([]);
    const args = { issuer, claims: ['aud'], audiences: ['app'], limits: limitsWith({}) };
    expect(await sql.value('find_issuers', args)).toEqual({
      whole: true,
      issuers: [{ tenant_id: 'ten_a', id: 'iss', version: 7, audience: 'app', audience_claim: 'aud' }],
    });
  });
});

describe('issuers_of_place', () => {
  beforeEach(async () => {
    await sql.insert('spaces', { tenant_id: 'ten_a', id: 'spc_a' });
    await given([
      ['ten_b', 'iss_b', 'app', 90],
      ['ten_a', 'iss_a', 'app', 60],
      ['ten_a', 'iss_a2', 'web', 70],
    ]);
  });

  test.each<[string, { tenant?: string; space?: string }, string | null, string[]]>([
    ['the owner of a space', { space: 'spc_a' }, 'ten_a', ['iss_a2', 'iss_a']],
    ['a tenant by its slug', { tenant: 'ten-b' }, 'ten_b', ['iss_b']],
    ['a tenant by its id', { tenant: 'ten_b' }, 'ten_b', ['iss_b']],
    ['the tenant rather than the space', { tenant: 'ten_b', space: 'spc_a' }, 'ten_b', ['iss_b']],
    ['a tenant without issuers of this name', { tenant: 'ten_c' }, 'ten_c', []],
    ['nobody for a space that is not there', { space: 'spc_none' }, null, []],
    ['nobody for a tenant that is not there, also with a space', { tenant: 'ten-x', space: 'spc_a' }, null, []],
    ['nobody for no place', {}, null, []],
  ])('knows %s', async (_, { tenant = null, space = null }, owner, ids) => {
    await sql.becomeService();
    const found = await sql.value<{ tenant_id: string; issuers: Found[] } | null>('issuers_of_place', {
      tenant,
      space,
      issuer,
      limits: limitsWith({}),
    });
    expect([found?.tenant_id ?? null, (found?.issuers ?? []).map(({ id }) => id)]).toEqual([owner, ids]);
  });

  test('reads a bounded number of issuers', async () => {
    const args = { tenant: 'ten_a', space: null, issuer, limits: limitsWith({ issuersOfTenant: 1 }) };
    const found = await sql.value<{ issuers: Found[] }>('issuers_of_place', args);
    expect(found.issuers.map(({ id }) => id)).toEqual(['iss_a2']);
  });
});
