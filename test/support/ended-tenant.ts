/** Tests of the functions that delete the rows of a tenant that is being ended: drop_…_of_tenant. */
import type { SqlSession } from './sql.ts';

type Row = Record<string, unknown>;
type Drop = (args: { tenant: string; most: number }) => Promise<unknown>;

/**
 * Puts the same rows of two tenants into the tables, of which one is being ended, and expects that the function deletes its rows
 * in steps, and touches no row of the other one.
 * @param rows table and row, in the order in which foreign keys allow it, or what puts them in. Those of other tables stay.
 * @param tables the tables whose rows are to go.
 */
export async function expectDropped(
  sql: SqlSession,
  tables: string[],
  rows: [string, Row][] | ((tenantId: string) => Promise<void>),
  drop: Drop,
): Promise<void> {
  await sql.insert('tenants', { id: 'ten_ends', status: 'suspended' });
  await sql.insert('tenants', { id: 'ten_stays' });
  for (const tenant_id of ['ten_ends', 'ten_stays']) {
    if (typeof rows === 'function') await rows(tenant_id);
    else for (const [table, row] of rows) await sql.insert(table, { tenant_id, ...row });
  }

  await sql.query('savepoint untouched');
  await expect(drop({ tenant: 'ten_ends', most: 1 })).rejects.toThrow('is not being ended');
  await sql.query('rollback to savepoint untouched');

  await sql.query(`update tenants set ending_at = now() where id = 'ten_ends'`);
  const before = await counts(sql, tables, 'ten_ends');
  let steps = 0;
  for (let dropped: unknown = 1; dropped !== 0; steps += 1) {
    dropped = await drop({ tenant: 'ten_ends', most: 1 });
    expect(dropped).toBeLessThanOrEqual(1);
  }
  expect(Object.values(before)).not.toContain(0);
  expect(steps - 1).toBe(Object.values(before).reduce((sum, count) => sum + count, 0));
  expect(Object.values(await counts(sql, tables, 'ten_ends'))).toEqual(tables.map(() => 0));
  expect(await counts(sql, tables, 'ten_stays')).toEqual(before);
}

async function counts(sql: SqlSession, tables: string[], tenant: string): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const table of tables) {
    const rows = await sql.query<{ count: number }>(
      `select count(*)::int as count from ${table} where tenant_id = $1`,
      [tenant],
    );
    counted[table] = rows[0]?.count ?? 0;
  }
  return counted;
}
