import type pg from 'pg';
import { type FunctionSet, inSchema, type SqlFunction } from './function-set.ts';

/** Number of sets that are kept: the one that was deployed last, and the one before it, whose build may still run. */
const keptSets = 2;

/**
 * Deploys a set of functions into a schema of its own, in one transaction. A deployed set is never changed, so builds with
 * different functions work side by side during a rolling upgrade. All sets but this and the one before it are dropped.
 *
 * @returns false if the database had the set already. It then counts as the set that was deployed last.
 * @throws an Error that names the function that cannot be created.
 */
export async function deployFunctions(client: pg.ClientBase, set: FunctionSet): Promise<boolean> {
  await client.query('begin');
  try {
    const { rowCount } = await client.query(
      // A record whose schema somebody has dropped does not count: migrating is what brings the functions back.
      `update public.function_sets set deployed_at = clock_timestamp()
        where hash = $1 and to_regnamespace(schema_name) is not null`,
      [set.hash],
    );
    if (!rowCount) await createSet(client, set);
    await dropOldSets(client);
    await client.query('commit');
    return !rowCount;
  } catch (error) {
    await client.query('rollback');
    throw error;
  }
}

async function createSet(client: pg.ClientBase, set: FunctionSet): Promise<void> {
  const { schema } = set;
  await client.query(`create schema ${schema}`);
  await client.query(`grant usage on schema ${schema} to stagedoor_app, stagedoor_crossing`);
  // Functions call one another, so their bodies are checked after all of them are created.
  await client.query(`set local search_path = ${schema}`);
  await client.query('set local check_function_bodies = off');
  await client.query(`set local plpgsql.extra_errors = 'shadowed_variables,strict_multi_assignment'`);
  for (const one of set.functions) await namingFunction(one, () => client.query(inSchema(one, set)));
  await client.query('set local search_path = pg_catalog');
  await client.query('set local check_function_bodies = on');
  for (const one of set.functions) await namingFunction(one, () => checkBody(client, schema, one.name));
  // Postgres gives a function only to a role that may create objects in its schema.
  await client.query(`grant create on schema ${schema} to stagedoor_crossing`);
  for (const one of set.functions) await namingFunction(one, () => applyHeader(client, schema, one));
  await client.query(`revoke create on schema ${schema} from stagedoor_crossing`);
  await client.query(
    `insert into public.function_sets (hash, schema_name) values ($1, $2)
      on conflict (hash) do update set deployed_at = clock_timestamp()`,
    [set.hash, schema],
  );
}

/** Checks the body of a function, as Postgres does by itself if `check_function_bodies` is on. */
async function checkBody(client: pg.ClientBase, schema: string, name: string): Promise<void> {
  const { rows } = await client.query<{ oid: number; language: string }>(
    `select p.oid, l.lanname as language from pg_proc p join pg_language l on l.oid = p.prolang
      where p.pronamespace = $1::regnamespace and p.proname = $2`,
    [schema, name],
  );
  const [found] = rows;
  if (rows.length !== 1 || !found) throw new Error(`the file must create one function called ${name}`);
  const validator = found.language === 'sql' ? 'fmgr_sql_validator' : 'plpgsql_validator';
  await client.query(`select ${validator}($1)`, [found.oid]);
}

/** Sets what the header line of the function says: its rights, its owner, and the roles that may call it. */
async function applyHeader(client: pg.ClientBase, schema: string, one: SqlFunction): Promise<void> {
  const name = `${schema}.${one.name}`;
  if (one.security === 'definer') {
    // It runs with the rights of its owner, so the search path of the caller must not decide which objects it uses.
    await client.query(`alter function ${name} security definer set search_path = pg_catalog, pg_temp`);
  }
  await client.query(`revoke execute on function ${name} from public`);
  if (one.execute.length > 0) {
    await client.query(`grant execute on function ${name} to ${one.execute.join(', ')}`);
  }
  if (one.owner !== 'migrator') await client.query(`alter function ${name} owner to ${one.owner}`);
}

async function dropOldSets(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ schema_name: string }>(
    `delete from public.function_sets
      where hash in (select hash from public.function_sets order by deployed_at desc offset $1)
      returning schema_name`,
    [keptSets],
  );
  for (const { schema_name: schema } of rows) await client.query(`drop schema if exists ${schema} cascade`);
}

/** Runs `work`, and names the file of the function in its error. */
async function namingFunction(one: SqlFunction, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`the function ${one.feature}/sql/${one.name}.sql cannot be deployed: ${reason}`, { cause: error });
  }
}
