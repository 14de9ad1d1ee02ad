/**
 * How much a function reads, whatever the machine does meanwhile. Postgres plans the first calls of a connection for their
 * arguments, and the later ones for any arguments. What is read is the larger of both.
 */
import type { SqlSession } from './sql.ts';

/** Rows of a table and entries of its indexes that the connection reads while `work` runs. A transaction has begun. */
export async function rowsReadBy(sql: SqlSession, table: string, work: () => Promise<unknown>): Promise<number> {
  return await countedBy(sql, 'returned', table, work);
}

/** Rows of a table that the connection looks at while `work` runs. Who finds all in an index looks at none. */
export async function rowsLookedAtBy(sql: SqlSession, table: string, work: () => Promise<unknown>): Promise<number> {
  return await countedBy(sql, 'fetched', table, work);
}

async function countedBy(
  sql: SqlSession,
  what: 'returned' | 'fetched',
  table: string,
  work: () => Promise<unknown>,
): Promise<number> {
  const soFar = async () =>
    Number(
      (
        await sql.query(
          `select coalesce(sum(pg_stat_get_xact_tuples_${what}(oid)), 0)::integer as read from pg_class
            where oid = $1::regclass or oid in (select indexrelid from pg_index where indrelid = $1::regclass)`,
          [`public.${table}`],
        )
      )[0]?.['read'],
    );
  const read: number[] = [];
  for (const mode of ['force_custom_plan', 'force_generic_plan']) {
    await sql.query(`savepoint plan; set local plan_cache_mode = ${mode}`);
    const before = await soFar();
    await work();
    read.push((await soFar()) - before);
    await sql.query('rollback to plan');
  }
  return Math.max(...read);
}
