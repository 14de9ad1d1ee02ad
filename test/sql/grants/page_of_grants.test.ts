/** `page_of_grants`, the grants that it looks at, and their states. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

const at = (n: number) => new Date(1_700_000_000_000 + n);
const endOfTime = new Date('9999-12-31T00:00:00Z');

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  // Tenant, id, user, space, state, end of the token and of the session.
  const grants: [string, string, string, string, string, number, number][] = [
    ['ten', 'a', 'ann', 'hall', 'released', 90, 95],
    ['ten', 'b', 'ann', 'yard', 'revoked', 20, 20],
    ['ten', 'c', 'bob', 'hall', 'watched', 30, 40],
    ['ten', 'd', 'bob', 'hall', 'pending', 30, 40],
    ['ten', 'e', 'ann', 'hall', 'released', 10, 40],
    ['tin', 'f', 'ann', 'hall', 'released', 90, 95],
  ];
  for (const [tenant_id, id, user_id, space_id, state, expires, ends] of grants)
    await sql.insert('grants', {
      tenant_id,
      id,
      user_id,
      ivs_user_id: id === 'b' ? 'p-ann' : user_id,
      space_id,
      state,
      issued_at: at(id.charCodeAt(0)),
      expires_at: at(expires),
      session_expires_at: at(ends),
    });
});
afterEach(() => sql.rollback());

const all = { tenant: 'ten', by: 'all', value: null, before: 'zzz' };

describe('grants_looked_at', () => {
  test.each<[string, object, number, string]>([
    ['all', all, 9, 'e d c b a'],
    ['those in a state', { ...all, by: 'state', value: 'watched' }, 9, 'c'],
    ['no more than asked for', all, 2, 'e d'],
    ['those before an id', { ...all, before: 'd' }, 9, 'c b a'],
    ['those of another tenant', { ...all, tenant: 'tin' }, 9, 'f'],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string }>('grants_looked_at', { ...(args as typeof all), looked });
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

const byTime = { tenant: 'ten', value: null, afterTime: at(0), beforeTime: endOfTime, before: '' };
const ann = { ...byTime, by: 'user', value: 'ann' };
const hall = { ...byTime, by: 'space', value: 'hall' };
const expiring = { ...byTime, by: 'expiry' };
const issue = (id: string) => at(id.charCodeAt(0));

describe('grants_of_list', () => {
  test.each<[string, object, number, string]>([
    ['those of a user, the newest first', ann, 9, 'e b a'],
    ['those of a user after a place in the list', { ...ann, beforeTime: issue('e'), before: 'e' }, 9, 'b a'],
    ['those of a user that were issued after a time', { ...ann, afterTime: issue('a') }, 9, 'e b'],
    ['no more of a user than asked for', ann, 2, 'e b'],
    ['those of nobody', { ...ann, value: 'an' }, 9, ''],
    ['those of a space, by the end of their session', hall, 9, 'a c d e'],
    ['no more of a space than asked for', hall, 1, 'a'],
    ['with those of a space that end with the last one', hall, 2, 'a c d e'],
    ['those of a space after a place in the list', { ...hall, beforeTime: at(40), before: 'd' }, 9, 'c'],
    ['those of a space that end after a time', { ...hall, afterTime: at(40) }, 9, 'a'],
    ['those of no space', { ...hall, value: 'ha' }, 9, ''],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string; session_expires_at: Date }>('grants_of_list', {
      ...(args as typeof ann),
      looked,
    });
    // Those that end at the same time come in any order.
    if ((args as typeof ann).by === 'space')
      rows.sort((a, b) => Number(b.session_expires_at) - Number(a.session_expires_at) || (a.id < b.id ? -1 : 1));
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

describe('grants_expiring_last', () => {
  test.each<[string, object, number, string]>([
    ['all, by the end of their token', expiring, 9, 'a c d b e'],
    ['with all that end with the last one', expiring, 2, 'a c d'],
    ['those after a place in the list', { ...expiring, beforeTime: at(30), before: 'd' }, 9, 'c b e'],
    ['those that end after a time', { ...expiring, afterTime: at(20) }, 9, 'a c d'],
  ])('%s', async (_, args, looked, ids) => {
    const { value: _value, by: _by, ...given } = args as typeof expiring;
    const rows = await sql.call<{ id: string; expires_at: Date }>('grants_expiring_last', { ...given, looked });
    // Those that end at the same time come in any order.
    rows.sort((a, b) => Number(b.expires_at) - Number(a.expires_at) || (a.id < b.id ? -1 : 1));
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

describe('state_of_grant', () => {
  test.each<[string, object, string[], string | null]>([
    ['released', {}, [], 'live'],
    ['watched', { state: 'watched' }, [], 'watched'],
    ['released, at the end of the token', { expires_at: at(10) }, [], 'expired'],
    ['watched, at the end of the token', { state: 'watched', expires_at: at(10) }, [], 'expired'],
    ['revoked, after the end of the token', { state: 'revoked', expires_at: at(9) }, [], 'revoked'],
    ['signed with a key that IVS has deleted', { signing_key_id: 'key' }, ['other', 'key'], 'revoked'],
    [
      'signed with such a key, at the end of the token',
      { signing_key_id: 'key', expires_at: at(10) },
      ['key'],
      'expired',
    ],
    ['signed with another key', { signing_key_id: 'key' }, ['other'], 'live'],
    ['made by IVS', { signing_key_id: null }, ['other'], 'live'],
    ['pending', { state: 'pending' }, [], null],
    ['refused', { state: 'refused' }, [], null],
  ])('%s', async (_, grant, removed, state) => {
    await sql.insert('grants', { tenant_id: 'ton', id: 'x', space_id: 'hall', expires_at: at(11), ...grant });
    const row = `(select g from public.grants as g where tenant_id = 'ton'), $1::timestamptz, $2::text[]`;
    expect(await sql.valueOf('state_of_grant', row, [at(10), removed])).toBe(state);
  });
});

describe('page_of_grants', () => {
  const open = {
    ...all,
    afterTime: at(0),
    beforeTime: endOfTime,
    user: null,
    space: null,
    ivsUser: null,
    state: null,
    live: null,
    now: at(15),
    removedKeys: [],
    most: 9,
    looked: 9,
  };

  test.each<[string, object, string, [string, number | null] | null]>([
    ['all that were handed out', {}, 'e c b a', null],
    ['those of somebody whom IVS knows by another id', { ivsUser: 'p-ann' }, 'b', null],
    ['all, with more behind', { most: 2, looked: 2 }, 'e', ['d', null]],
    ['all of a user in a space, by id', { user: 'ann', space: 'hall' }, 'e a', null],
    ['the live ones of a user', { ...ann, state: 'live' }, 'a', null],
    ['those of a user in a space', { ...ann, space: 'hall' }, 'e a', null],
    ['those of a user, with more behind', { ...ann, looked: 2 }, 'e b', ['', 'b'.charCodeAt(0)]],
    ['those of a space and a user', { ...hall, user: 'bob' }, 'c', null],
    ['expired ones', { state: 'expired' }, 'e', null],
    ['those that could be used, by the end of their token', { ...expiring, live: true }, 'a c', null],
    ['the same, with more behind', { ...expiring, live: true, looked: 2 }, 'a c', ['', 30]],
    ['those of a space that could be used, by the end of their session', { ...hall, live: true }, 'a c', null],
    ['the same, looking at all that end with the last one', { ...hall, live: true, looked: 2 }, 'a c', ['', 40]],
    ['the same, one at a time', { ...hall, live: true, looked: 1 }, 'a', ['', 95]],
  ])('%s', async (_, args, ids, end) => {
    const found = await sql.value<{ ids: string[]; end: { id: string; at: string | null } | null }>('page_of_grants', {
      ...open,
      ...args,
    });
    expect(found.ids).toEqual(ids.split(' ').filter(Boolean));
    expect(found.end && [found.end.id, found.end.at && new Date(found.end.at).getTime() - at(0).getTime()]).toEqual(
      end,
    );
  });
});
