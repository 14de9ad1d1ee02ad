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
      space_id,
      state,
      expires_at: at(expires),
      session_expires_at: at(ends),
    });
});
afterEach(() => sql.rollback());

const all = { tenant: 'ten', by: 'all', value: null, before: 'zzz' };
const ann = { ...all, by: 'user', value: 'ann' };

describe('grants_looked_at', () => {
  test.each<[string, object, number, string]>([
    ['all', all, 9, 'e d c b a'],
    ['those of a user', ann, 9, 'e b a'],
    ['those of a space', { ...all, by: 'space', value: 'hall' }, 9, 'e d c a'],
    ['those in a state', { ...all, by: 'state', value: 'watched' }, 9, 'c'],
    ['no more than asked for', ann, 2, 'e b'],
    ['those before an id', { ...ann, before: 'e' }, 9, 'b a'],
    ['those of nobody', { ...ann, value: 'an' }, 9, ''],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string }>('grants_looked_at', { ...(args as typeof all), looked });
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

const ending = { tenant: 'ten', space: null, afterTime: at(0), beforeTime: endOfTime, before: '' };

describe('grants_ending_last', () => {
  test.each<[string, object, number, string]>([
    ['all, by the end of their token', ending, 9, 'a d c b e'],
    ['no more than asked for', ending, 2, 'a d'],
    ['those after a place in the list', { ...ending, beforeTime: at(30), before: 'd' }, 9, 'c b e'],
    ['those that end after a time', { ...ending, afterTime: at(20) }, 9, 'a d c'],
    ['those of a space, by the end of their session', { ...ending, space: 'hall' }, 9, 'a c d e'],
    ['with those of a space that end with the last one', { ...ending, space: 'hall' }, 2, 'a c d e'],
    [
      'those of a space after a place in the list',
      { ...ending, space: 'hall', beforeTime: at(40), before: 'd' },
      9,
      'c',
    ],
    ['those of a space that end after a time', { ...ending, space: 'hall', afterTime: at(40) }, 9, 'a'],
    ['those of no space', { ...ending, space: 'ha' }, 9, ''],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string }>('grants_ending_last', { ...(args as typeof ending), looked });
    const found = rows.map(({ id }) => id);
    // Those of a space that end at the same time come in any order.
    const last = found.slice(1).toSorted();
    expect((args as typeof ending).space === null ? found.join(' ') : [...found.slice(0, 1), ...last].join(' ')).toBe(
      ids,
    );
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
    state: null,
    live: null,
    now: at(15),
    removedKeys: [],
    most: 9,
    looked: 9,
  };
  const session = { by: 'session', value: 'hall', before: '' };

  test.each<[string, object, string, [string, number | null] | null]>([
    ['all that were handed out', {}, 'e c b a', null],
    ['all, with more behind', { most: 2, looked: 2 }, 'e', ['d', null]],
    ['the live ones of a user', { ...ann, state: 'live' }, 'a', null],
    ['those of a user in a space', { ...ann, space: 'hall' }, 'e a', null],
    ['those of a space and a user', { by: 'space', value: 'hall', user: 'bob' }, 'c', null],
    ['expired ones', { state: 'expired' }, 'e', null],
    ['those that could be used, by the end of their token', { by: 'expiry', before: '', live: true }, 'a c', null],
    ['the same, with more behind', { by: 'expiry', before: '', live: true, looked: 2 }, 'a', ['d', 30]],
    ['those of a space that could be used, by the end of their session', { ...session, live: true }, 'a c', null],
    ['the same, looking at all that end with the last one', { ...session, live: true, looked: 2 }, 'a c', ['', 40]],
    ['the same, one at a time', { ...session, live: true, looked: 1 }, 'a', ['', 95]],
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
