/** `page_of_audit` and the entries that it looks at. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

const at = (n: number) => new Date(1_700_000_000_000 + n);

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(async () => {
  await sql.begin();
  const entries: [string, string, string | null, string | null, string][] = [
    ['ten', 'a', 'ann', 'hall', 'vend'],
    ['ten', 'b', 'ann', 'yard', 'ban'],
    ['ten', 'c', 'bob', 'hall', 'ban'],
    ['ten', 'd', null, null, 'ban'],
    ['ten', 'e', 'ann', 'hall', 'ban'],
    ['tin', 'f', 'ann', 'hall', 'ban'],
  ];
  for (const [n, [tenant_id, id, user_id, space_id, action]] of entries.entries())
    await sql.insert('audit', { tenant_id, id, user_id, space_id, action, at: at(n) });
});
afterEach(() => sql.rollback());

const all = { tenant: 'ten', by: 'all', value: null, after: '', before: 'zzz' };
const ann = { ...all, by: 'user', value: 'ann' };

describe('audit_looked_at', () => {
  test.each<[string, object, number, string]>([
    ['all', all, 9, 'e d c b a'],
    ['those of a user', ann, 9, 'e b a'],
    ['those of a space', { ...all, by: 'space', value: 'hall' }, 9, 'e c a'],
    ['those of an action', { ...all, by: 'action', value: 'ban' }, 9, 'e d c b'],
    ['no more than asked for', ann, 2, 'e b'],
    ['those before an id', { ...ann, before: 'e' }, 9, 'b a'],
    ['those after an id', { ...ann, after: 'a' }, 9, 'e b'],
    ['those between two ids', { ...all, after: 'a', before: 'd' }, 9, 'c b'],
    ['those of nobody', { ...ann, value: 'an' }, 9, ''],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string }>('audit_looked_at', { ...(args as typeof all), looked });
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

describe('page_of_audit', () => {
  const open = { space: null, action: null, since: null, most: 9, looked: 9 };

  test.each<[string, object, string, string | null]>([
    ['all', {}, 'e d c b a', null],
    ['all, with more behind', { most: 2, looked: 2 }, 'e d', 'd'],
    ['one action of a user', { ...ann, action: 'ban' }, 'e b', null],
    ['one space of a user', { ...ann, space: 'yard' }, 'b', null],
    ['a space and an action of a user', { ...ann, space: 'hall', action: 'ban' }, 'e', null],
    ['what is rare, and not among those looked at', { ...ann, action: 'vend', looked: 2 }, '', 'b'],
    ['what is rare, in the next page', { ...ann, action: 'vend', looked: 2, before: 'b' }, 'a', null],
    ['since a time', { since: at(2) }, 'e d c', null],
  ])('%s', async (_, args, ids, end) => {
    const found = await sql.value('page_of_audit', { ...all, ...open, ...args });
    expect(found).toEqual({ ids: ids.split(' ').filter(Boolean), end });
  });
});
