/** The grants of vends that are sealed, for the event grant.issued. */
import { SqlSession } from '../../support/sql.ts';

let sql: SqlSession;

beforeAll(async () => {
  sql = await SqlSession.start();
});
afterAll(() => sql.stop());
beforeEach(() => sql.begin());
afterEach(() => sql.rollback());

describe('note_sealed_vends', () => {
  test('notes both grants of each vend', async () => {
    await sql.query(
      `insert into event_logs (tenant_id, last_position, last_at, issued_until) values ('ten', 0, now(), now() + interval '1 hour')`,
    );
    for (const [tenant_id, id, details] of [
      ['ten', '1', { stageGrant: 'a', chatGrant: 'b' }],
      ['ten', '2', { chatGrant: 'c' }],
      ['two', '3', { stageGrant: 'd' }],
    ])
      await sql.insert('audit', { tenant_id, id, details });
    await sql.rowsOf('note_sealed_vends', 'array(select a from audit a)');
    const noted = await sql.query('select tenant_id, grant_id from untold_grants order by 1, 2');
    expect(noted.map((row) => Object.values(row).join(' '))).toEqual(['ten a', 'ten b', 'ten c']);
    await sql.rowsOf('note_sealed_vends', 'array[]::audit[]');
  });
});
