/** The functions of notes. */
import { expectDropped } from '../support/ended-tenant.ts';
import { limitsWith, SqlSession } from '../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());

const author = { kind: 'apiKey', id: 'key' };
const note = { tenant: 'ten', id: 'not', user: 'ann', text: 'calm', author, limits: limitsWith({ notesOfUser: 2 }) };

describe('add_user_note', () => {
  beforeEach(() => sql.begin());
  afterEach(() => sql.rollback());

  test('records the note, and returns when', async () => {
    const at = await sql.value<Date>('add_user_note', note);
    const rows = await sql.query('select * from user_notes');
    expect(rows).toEqual([
      { tenant_id: 'ten', id: 'not', user_id: 'ann', text: 'calm', author, created_at: expect.any(Date) },
    ]);
    expect(rows[0]?.['created_at']).toEqual(at);
  });

  test.each<[string, object[], boolean]>([
    ['one note less than there may be', [{}], true],
    ['as many notes as there may be', [{}, {}], false],
    ['notes about another user', [{}, { user_id: 'ben' }], true],
    ['notes of another tenant', [{}, { tenant_id: 'ten_other' }], true],
  ])('%s', async (_, notes, isTaken) => {
    for (const [n, row] of notes.entries())
      await sql.insert('user_notes', { tenant_id: 'ten', id: `not_${n}`, user_id: 'ann', text: 'x', author, ...row });
    const at = await sql.value('add_user_note', note);
    expect(at !== null).toBe(isTaken);
  });

  test('two at once wait for each other', async () => {
    const other = await sql.another();
    await other.begin();
    await sql.value('add_user_note', note);
    expect(await other.hasToWait(() => other.value('add_user_note', { ...note, id: 'not_2' }))).toBe(true);
    expect(await other.hasToWait(() => other.value('add_user_note', { ...note, id: 'not_3', user: 'ben' }))).toBe(
      false,
    );
    await other.rollback();
    await other.stop();
  });
});

describe('drop_notes_of_tenant', () => {
  beforeEach(() => sql.begin());
  afterEach(() => sql.rollback());

  test('deletes the rows of a tenant that is being ended in steps, and of no other', async () => {
    const rows: [string, Record<string, unknown>][] = [
      ['user_notes', { id: 'a', user_id: 'ann', text: 'rude', author: {} }],
      ['user_notes', { id: 'b', user_id: 'ben', text: 'kind', author: {} }],
    ];
    await expectDropped(sql, ['user_notes'], rows, (args) => sql.value('drop_notes_of_tenant', args));
  });
});

describe('erase_notes', () => {
  beforeEach(() => sql.begin());
  afterEach(() => sql.rollback());

  test('deletes notes about the user, and names them no more as an author', async () => {
    const by = (kind: string) => ({ kind, id: 'ann' });
    const put = (id: string, row: object) =>
      sql.insert('user_notes', { tenant_id: 'ten', id, user_id: 'ben', text: 'x', author, ...row });
    await put('about', { user_id: 'ann' });
    await put('written', { author: by('user') });
    await put('by_namesake', { author: by('consoleUser') });
    await put('of_another', {});
    await sql.insert('user_notes', { tenant_id: 'ten_other', id: 'about', user_id: 'ann', text: 'x', author });
    const args = { tenant: 'ten', user: 'ann', name: 'erased:x', after: null, most: 100 };
    expect(await sql.call('erase_notes', args)).toEqual([{ changed: '2', waiting: '0', reached: null }]);
    expect(await sql.query('select tenant_id, id, author from user_notes order by 1, 2')).toEqual([
      { tenant_id: 'ten', id: 'by_namesake', author: by('consoleUser') },
      { tenant_id: 'ten', id: 'of_another', author },
      { tenant_id: 'ten', id: 'written', author: { kind: 'user', id: 'erased:x' } },
      { tenant_id: 'ten_other', id: 'about', author },
    ]);
  });
});
