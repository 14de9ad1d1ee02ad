/** `page_of_bans` and the bans that it looks at. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

const at = (n: number) => new Date(1_700_000_000_000 + n);

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  for (const id of ['ten', 'tin']) await sql.insert('tenants', { id, slug: id });
  for (const id of ['hall', 'yard']) await sql.insert('spaces', { tenant_id: 'ten', id });
  const bans: [string, string, string, string | null, object][] = [
    ['ten', 'a', 'ann', 'hall', {}],
    ['ten', 'b', 'ann', 'yard', { lifted_at: at(0) }],
    ['ten', 'c', 'bob', 'hall', { expires_at: at(10) }],
    ['ten', 'd', 'bob', null, { expires_at: at(11) }],
    ['ten', 'e', 'ann', 'hall', { lifted_at: at(0) }],
    ['tin', 'f', 'ann', null, {}],
  ];
  for (const [tenant_id, id, user_id, space_id, more] of bans)
    await sql.insert('bans', { tenant_id, id, user_id, space_id, ...more });
});
afterEach(() => sql.rollback());

const all = { tenant: 'ten', by: 'all', value: null, before: 'zzz' };
const ann = { ...all, by: 'user', value: 'ann' };
const hall = { ...all, by: 'space', value: 'hall' };

describe('bans_looked_at', () => {
  test.each<[string, object, number, string]>([
    ['all', all, 9, 'e d c b a'],
    ['those of a user', ann, 9, 'e b a'],
    ['those of a space', hall, 9, 'e c a'],
    ['those whose end is not told', { ...all, by: 'notEnded' }, 9, 'd c a'],
    ['no more than asked for', ann, 2, 'e b'],
    ['those before an id', { ...hall, before: 'c' }, 9, 'a'],
    ['those of nobody', { ...ann, value: 'an' }, 9, ''],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string }>('bans_looked_at', { ...(args as typeof all), looked });
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

describe('page_of_bans', () => {
  const open = { space: null, active: null, now: at(10), most: 9, looked: 9 };

  test.each<[string, object, string, string | null]>([
    ['all', {}, 'e d c b a', null],
    ['all, with more behind', { most: 2, looked: 2 }, 'e d', 'd'],
    ['those in force; one that ends now is over', { by: 'notEnded', active: true }, 'd a', null],
    ['those that are over', { active: false }, 'e c b', null],
    ['those of a user in a space', { ...ann, space: 'hall' }, 'e a', null],
    ['those in force of a user', { ...ann, active: true }, 'a', null],
    ['what is rare, and not among those looked at', { ...ann, active: true, looked: 2 }, '', 'b'],
    ['what is rare, in the next page', { ...ann, active: true, looked: 2, before: 'b' }, 'a', null],
  ])('%s', async (_, args, ids, end) => {
    const found = await sql.value('page_of_bans', { ...all, ...open, ...args });
    expect(found).toEqual({ ids: ids.split(' ').filter(Boolean), end });
  });
});
