/** What Postgres writes to its WAL. */
import type pg from 'pg';

/** Makes the functions of `walBytes` known to the database. */
export async function prepareWal(client: pg.Client): Promise<void> {
  await client.query('create extension if not exists pg_walinspect');
}

/** The place in the WAL up to which everything is written now. */
export async function walPosition(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ lsn: string }>('select pg_current_wal_insert_lsn() as lsn');
  await client.query('select pg_log_standby_snapshot()'); // pg_walinspect reads whole records until the position that it gets
  return rows[0]?.lsn ?? '';
}

/** Bytes of records between two places, and bytes of full pages, which Postgres writes once for each page after a checkpoint. */
export async function walBytes(
  client: pg.Client,
  from: string,
  to: string,
): Promise<{ records: number; fullPages: number }> {
  const { rows } = await client.query<{ records: string; pages: string }>(
    'select sum(record_size) as records, sum(fpi_size) as pages from pg_get_wal_stats($1, $2)',
    [from, to],
  );
  return { records: Number(rows[0]?.records), fullPages: Number(rows[0]?.pages) };
}
