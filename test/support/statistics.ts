/**
 * What Postgres may know of a table while a question is asked of it. Autovacuum counts rows about once a minute, so a table
 * that is almost empty between two acts is full before Postgres notices.
 */
import type { SqlSession } from './sql.ts';

/**
 * Runs the tests with each state of the statistics. The rows are made and committed in a `beforeAll` outside.
 * @param counted Numbers of rows, each on as many pages, that Postgres may have counted last.
 */
export function withAnyStatistics(sql: () => SqlSession, tests: () => void, counted = [0]): void {
  describe.each<[string, () => Promise<unknown>]>([
    ['before Postgres has statistics', () => Promise.resolve()],
    ...counted.map((rows): [string, () => Promise<unknown>] => [
      `after Postgres has counted ${rows} rows`,
      () => believe(sql(), rows),
    ]),
    ['with statistics', () => sql().query('analyze')],
  ])('%s', (_when, prepare) => {
    beforeAll(prepare);
    tests();
  });
}

async function believe(sql: SqlSession, rows: number): Promise<void> {
  await sql.query(
    `update pg_class set reltuples = $1::integer, relpages = $1::integer
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'i')`,
    [rows],
  );
}
