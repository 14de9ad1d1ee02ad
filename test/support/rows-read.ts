/** How much a function reads, whatever the machine does meanwhile. */
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
  const before = await soFar();
  await work();
  return (await soFar()) - before;
}
