/** The functions of notes. */
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
