import type pg from 'pg';
import { functionSet } from './function-set.ts';

const remedy =
  'Serve as a plain login role that is a member of stagedoor_app, and migrate as another role (see docs/operations.md).';

/**
 * Checks that the service can serve from a database: that row-level security holds for the connected role, and that the
 * database has the tables and functions of this build.
 *
 * @throws {Error} with a message of one line that names the remedy.
 */
export async function assertServable(client: pg.Pool | pg.ClientBase): Promise<void> {
  const { rows } = await explainingConnectionErrors(() =>
    client.query<{ role: string; powers: string[]; owns: string | null; crosses: boolean; serving: boolean }>(`
    select current_user as role,
           coalesce((select array_agg(rolname::text) from pg_roles
                      where (rolsuper or rolbypassrls) and pg_has_role(current_user, oid, 'member')), '{}') as powers,
           (select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'public' and c.relkind in ('r', 'p') and pg_has_role(current_user, c.relowner, 'member')
             limit 1) as owns,
           exists (select from pg_roles where rolname = 'stagedoor_crossing' and pg_has_role(current_user, oid, 'member'))
             as crosses,
           exists (select from pg_roles where rolname = 'stagedoor_app' and pg_has_role(current_user, oid, 'usage'))
             as serving`),
  );
  const [found] = rows;
  if (!found) throw new Error('The database does not return the connected role.');
  if (found.powers.length > 0) {
    throw new Error(`DATABASE_URL connects as ${found.role}, which can bypass row-level security. ${remedy}`);
  }
  if (found.owns) {
    throw new Error(`DATABASE_URL connects as ${found.role}, which owns the table ${found.owns}. ${remedy}`);
  }
  if (found.crosses) {
    throw new Error(`DATABASE_URL connects as ${found.role}, which can see the rows of all tenants. ${remedy}`);
  }
  if (!found.serving) {
    throw new Error(`DATABASE_URL connects as ${found.role}, which is not a member of stagedoor_app. ${remedy}`);
  }
  await assertMigrated(client);
}

/**
 * Checks that the database has the functions of this build.
 * @throws {Error} with a message that names the command to run.
 */
export async function assertMigrated(client: pg.Pool | pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ found: boolean }>('select to_regnamespace($1) is not null as found', [
    functionSet.schema,
  ]);
  if (rows[0]?.found) return;
  throw new Error(
    `The database does not have the functions of this build (schema ${functionSet.schema}). Run this first, as the role that owns the tables: DATABASE_OWNER_URL=… node dist/database/migrate.js`,
  );
}

/** Names the setting in errors of the connection. Some messages of Node for a refused connection are empty. */
export async function explainingConnectionErrors<Result>(ask: () => Promise<Result>): Promise<Result> {
  try {
    return await ask();
  } catch (error) {
    const reasons = error instanceof AggregateError ? error.errors : [error];
    const why = reasons.map((reason) => (reason instanceof Error ? reason.message : String(reason))).join('; ');
    throw new Error(`The database of DATABASE_URL cannot be reached: ${why}`, { cause: error });
  }
}
