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
    ['ten', 'a', 'ann', 'hall', 'space.join'],
    ['ten', 'b', 'ann', 'yard', 'ban'],
    ['ten', 'c', 'bob', 'hall', 'ban'],
    ['ten', 'd', null, null, 'ban'],
    ['ten', 'e', 'ann', 'hall', 'ban'],
    ['tin', 'f', 'ann', 'hall', 'ban'],
  ];
  for (const [n, [tenant_id, id, user_id, space_id, action]] of entries.entries())
    await sql.insert('audit', { tenant_id, id, user_id, space_id, action, at: at(n), caller: { id: `key-${n % 2}` } });
});
afterEach(() => sql.rollback());

const all = { tenant: 'ten', by: 'all', value: null, after: '', before: 'zzz' };

describe('audit_looked_at', () => {
  test.each<[string, object, number, string]>([
    ['all', all, 9, 'e d c b a'],
    ['those of an action', { ...all, by: 'action', value: 'ban' }, 9, 'e d c b'],
    ['no vends by their action', { ...all, by: 'action', value: 'space.join' }, 9, ''],
    ['no more than asked for', all, 2, 'e d'],
    ['those before an id', { ...all, before: 'd' }, 9, 'c b a'],
    ['those after an id', { ...all, after: 'b' }, 9, 'e d c'],
    ['those between two ids', { ...all, after: 'a', before: 'd' }, 9, 'c b'],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string }>('audit_looked_at', { ...(args as typeof all), looked });
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

const byTime = { tenant: 'ten', from: at(0), beforeTime: at(100), before: '' };
const ofAnn = { ...byTime, by: 'user', value: 'ann' };

describe('audit_by_time', () => {
  // At the time of e.
  beforeEach(
    async () =>
      void (await sql.insert('audit', { tenant_id: 'ten', id: 'g', user_id: 'ann', space_id: 'hall', at: at(4) })),
  );

  test.each<[string, object, number, string]>([
    ['those of a user, the newest first', ofAnn, 9, 'g e b a'],
    ['those of a space', { ...byTime, by: 'space', value: 'hall' }, 9, 'g e c a'],
    ['with all that have the time of the last one', ofAnn, 1, 'g e'],
    ['no more than asked for', ofAnn, 3, 'g e b'],
    ['those after a place in the list', { ...ofAnn, beforeTime: at(4), before: 'g' }, 9, 'e b a'],
    ['those from a time on', { ...ofAnn, from: at(1) }, 9, 'g e b'],
    ['those of nobody', { ...ofAnn, value: 'an' }, 9, ''],
  ])('%s', async (_, args, looked, ids) => {
    const rows = await sql.call<{ id: string; at: Date }>('audit_by_time', { ...(args as typeof ofAnn), looked });
    rows.sort((a, b) => Number(b.at) - Number(a.at) || (a.id < b.id ? 1 : -1));
    expect(rows.map(({ id }) => id).join(' ')).toBe(ids);
  });
});

describe('page_of_audit', () => {
  const open = {
    most: 9,
    looked: 9,
    beforeTime: at(100),
    user: null,
    space: null,
    action: null,
    caller: null,
    since: null,
  };
  const ann = { by: 'user', value: 'ann', before: '' };

  test.each<[string, object, string, [string, number | null] | null]>([
    ['all', {}, 'e d c b a', null],
    ['all, with more behind', { most: 2, looked: 2 }, 'e d', ['d', null]],
    ['all of a user, by id', { user: 'ann' }, 'e b a', null],
    ['one action of a user', { ...ann, action: 'ban' }, 'e b', null],
    ['one space of a user', { ...ann, space: 'yard' }, 'b', null],
    ['a space and an action of a user', { ...ann, space: 'hall', action: 'ban' }, 'e', null],
    ['what is rare, and not among those looked at', { ...ann, action: 'space.join', looked: 2 }, '', ['', 1]],
    ['what is rare, in the next page', { ...ann, action: 'space.join', looked: 2, beforeTime: at(1) }, 'a', null],
    ['since a time', { since: at(2) }, 'e d c', null],
    ['those by a caller', { caller: 'key-1' }, 'd b', null],
    ['those by a caller to a user', { ...ann, caller: 'key-0' }, 'e a', null],
    ['those of a user since a time', { ...ann, since: at(1) }, 'e b', null],
  ])('%s', async (_, args, ids, end) => {
    const found = await sql.value<{ ids: string[]; end: { id: string; at: string | null } | null }>('page_of_audit', {
      ...all,
      ...open,
      ...args,
    });
    expect(found.ids).toEqual(ids.split(' ').filter(Boolean));
    expect(found.end && [found.end.id, found.end.at && new Date(found.end.at).getTime() - at(0).getTime()]).toEqual(
      end,
    );
  });
});
