/**
 * plpgsql_check reads every PL/pgSQL function as Postgres would run it: names of columns, types, paths that return nothing,
 * variables nobody reads. It runs in the oldest Postgres of the machine that has the extension (on Debian: the packages
 * postgresql-15 and postgresql-15-plpgsql-check), which also shows that migrations and functions are made for that Postgres.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';

import { type Postgres, startPostgres } from '../dev/postgres.ts';
import { functionSet } from '../src/database/function-set.ts';
import { migrate } from '../src/database/migrate.ts';

/** The folders of the Postgres installations of the machine that have the extension, the oldest first. */
const [native] = globSync('/usr/lib/postgresql/*')
  .map((folder) => ({ folder, version: Number(path.basename(folder)) }))
  .filter(({ version }) => existsSync(`/usr/share/postgresql/${version}/extension/plpgsql_check.control`))
  .filter(({ folder }) => existsSync(path.join(folder, 'bin/initdb')))
  .sort((a, b) => a.version - b.version)
  .map(({ folder }) => folder);

const name = native
  ? `plpgsql_check finds nothing in any PL/pgSQL function (Postgres ${path.basename(native)})`
  : 'plpgsql_check is not installed on this machine: PL/pgSQL functions are not checked';

// CI has it: there it must not be skipped.
(native || process.env['CI'] === 'true' ? describe : describe.skip)(name, () => {
  let postgres: Postgres | undefined;
  let client: pg.Client | undefined;

  beforeAll(async () => {
    if (!native) throw new Error('plpgsql_check is not installed. Remedy: look at .ci/run');
    const dataDir = path.join(os.tmpdir(), `stagedoor-plpgsql-check-${randomUUID()}`);
    postgres = await startPostgres({ dataDir, durable: false, native });
    const admin = new pg.Client({ connectionString: postgres.url('postgres') });
    await admin.connect();
    await admin.query('create role owner login createrole');
    await admin.query('create database checked owner owner');
    await admin.end();
    await migrate(postgres.url('checked', 'owner'));
    client = new pg.Client({ connectionString: postgres.url('checked') });
    await client.connect();
    await client.query('create schema checker');
    await client.query('create extension plpgsql_check schema checker');
    await client.query(`set search_path = ${functionSet.schema}, public`);
  }, 120_000);

  afterAll(async () => {
    await client?.end();
    await postgres?.stop();
  });

  it('knows all of them', async () => {
    const { rows } = await client!.query<{ name: string }>(
      `select p.proname as name from pg_proc p join pg_language l on l.oid = p.prolang
        where p.pronamespace = $1::regnamespace and l.lanname = 'plpgsql'`,
      [functionSet.schema],
    );
    expect(rows.map(({ name }) => name).sort()).toEqual([...names].sort());
  });

  const names = functionSet.functions.filter(({ sql }) => /^language plpgsql$/im.test(sql)).map(({ name }) => name);

  it.each(names)('%s', async (name) => {
    const { rows } = await client!.query<{ finding: string }>(
      `select concat_ws(' ', 'line ' || lineno || ':', level || ':', message, detail, hint, query) as finding
         from pg_proc p
        cross join lateral checker.plpgsql_check_function_tb(
          p.oid, relid => coalesce((select t.tgrelid from pg_trigger t where t.tgfoid = p.oid limit 1), 0::oid::regclass),
          fatal_errors => false, all_warnings => true) as c
        where p.pronamespace = $1::regnamespace and p.proname = $2`,
      [functionSet.schema, name],
    );
    expect(rows.map(({ finding }) => finding)).toEqual([]);
  });
});
