import type pg from 'pg';
import { ReadOnlyDatabase } from './database-errors.ts';
import { functionSet } from './function-set.ts';
import { rights } from './table-rights.ts';

/** What to do about a role that the service must not serve as. */
export const roleRemedy =
  'Serve as a plain login role that is a member of stagedoor_app, and migrate as another role (see docs/operations.md).';

/**
 * Checks that the service can serve from a database: that row-level security holds for the connected role, and that the
 * database has the tables and functions of this build.
 *
 * @throws {Error} with a message of one line that names the remedy.
 */
export async function assertServable(client: pg.Pool | pg.ClientBase): Promise<void> {
  const { role, fault } = await explainingConnectionErrors(() => standingOf(client));
  if (fault !== undefined) throw new Error(`DATABASE_URL connects as ${role}, which ${fault}. ${roleRemedy}`);
  await assertMigrated(client);
}

/** The connected role, and why the service must not serve as it; undefined: it may. */
export async function standingOf(
  client: pg.Pool | pg.ClientBase,
): Promise<{ role: string; fault: string | undefined }> {
  const { rows } = await client.query<{
    role: string;
    powers: string[];
    owns: string | null;
    crosses: boolean;
    serving: boolean;
  }>(`
    select current_user as role,
           coalesce((select array_agg(rolname::text) from pg_roles
                      where (rolsuper or rolbypassrls) and pg_has_role(current_user, oid, 'member')), '{}') as powers,
           (select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'public' and c.relkind in ('r', 'p') and pg_has_role(current_user, c.relowner, 'member')
             limit 1) as owns,
           exists (select from pg_roles where rolname = 'stagedoor_crossing' and pg_has_role(current_user, oid, 'member'))
             as crosses,
           exists (select from pg_roles where rolname = 'stagedoor_app' and pg_has_role(current_user, oid, 'usage'))
             as serving`);
  const [found] = rows;
  if (!found) throw new Error('The database does not return the connected role.');
  return { role: found.role, fault: faultOf(found) };
}

function faultOf(found: {
  powers: string[];
  owns: string | null;
  crosses: boolean;
  serving: boolean;
}): string | undefined {
  if (found.powers.length > 0) return 'can bypass row-level security';
  if (found.owns !== null) return `owns the table ${found.owns}`;
  if (found.crosses) return 'can see the rows of all tenants';
  return found.serving ? undefined : 'is not a member of stagedoor_app';
}

/**
 * Checks that the database has the functions of this build, and that the connected role has its rights on the tables.
 * @throws {Error} with a message that says what to do.
 */
export async function assertMigrated(client: pg.Pool | pg.ClientBase): Promise<void> {
  const lack = await lackOfFunctions(client);
  if (lack !== undefined) throw new Error(lack);
  const rights = await lackOfRights(client);
  if (rights !== undefined) throw new Error(`${rights} ${howToGetRights}`);
}

/**
 * Checks that the server takes writes, as a primary does.
 * @throws {ReadOnlyDatabase} if it is a standby, or if its transactions are set to be read-only.
 */
export async function assertTakesWrites(client: pg.Pool | pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ isReadOnly: boolean }>(
    `select current_setting('transaction_read_only')::boolean as "isReadOnly"`,
  );
  if (rows[0]?.isReadOnly !== false) throw new ReadOnlyDatabase();
}

/** Functions of the set that the serving role itself calls. */
const calledByService = functionSet.functions.filter(({ execute }) => execute.includes('stagedoor_app'));

const migrate = 'as the role that owns the tables: DATABASE_OWNER_URL=… node dist/database/migrate.js';

/** What to do about functions of this build that are not as it has them. */
export const howToDeployAgain = `Run in Postgres: drop schema ${functionSet.schema} cascade. Then run this, ${migrate}`;

/** What the database lacks of the functions of this build, and what to do; undefined: nothing. */
export async function lackOfFunctions(client: pg.Pool | pg.ClientBase): Promise<string | undefined> {
  const { schema, functions } = functionSet;
  const { rows } = await client.query<{ found: boolean; usable: boolean | null; missing: string[]; refused: string[] }>(
    `select s.oid is not null as found,
            has_schema_privilege(s.oid, 'usage') as usable,
            array(select name from unnest($2::text[]) as name
                   where not exists (select from pg_proc where pronamespace = s.oid and proname = name)) as missing,
            array(select proname::text from pg_proc
                   where pronamespace = s.oid and proname = any ($3) and not has_function_privilege(oid, 'execute')) as refused
       from (select to_regnamespace($1)::oid as oid) as s`,
    [schema, functions.map(({ name }) => name), calledByService.map(({ name }) => name)],
  );
  const [{ found, usable, missing, refused } = { found: false, usable: false, missing: [], refused: [] }] = rows;
  if (!found) {
    return `The database does not have the functions of this build (schema ${schema}). Run this first, ${migrate}`;
  }
  if (missing.length > 0) {
    return `The database lacks functions of this build (${missing.length} of schema ${schema}, such as ${missing[0]}). ${howToDeployAgain}`;
  }
  if (usable !== true || refused.length > 0) {
    const what = usable === true ? `the function ${refused[0]} of the schema ${schema}` : `the schema ${schema}`;
    return `The serving role may not use ${what}, as after a restore without privileges. ${howToDeployAgain}`;
  }
  return undefined;
}

/** What to do about rights that are gone. */
export const howToGetRights =
  'After a restore without privileges, restore the database with owners and privileges (see docs/operations/restore.md): no migration gives them again. Else grant to stagedoor_app what somebody has revoked.';

/** The one sequence that the serving role uses. It gives out the turns of acts and grants. */
const sequence = 'turns';

/**
 * Which rights on tables, and on the sequence of turns, the serving role lacks of those that the migrations give it; undefined:
 * none. After a restore without privileges it has none, and migrating gives it the functions alone.
 */
export async function lackOfRights(client: pg.Pool | pg.ClientBase): Promise<string | undefined> {
  const { rows } = await client.query<{ lacking: string }>(
    `select distinct r.privilege || ' on the table ' || r."table" as lacking
       from jsonb_to_recordset($1) as r("table" text, privilege text, "column" text)
       left join pg_class as c on c.relname = r."table" and c.relnamespace = 'public'::regnamespace
       left join pg_attribute as a on a.attrelid = c.oid and a.attname = r."column"
      where not coalesce(case when r."column" is null then has_table_privilege(c.oid, r.privilege)
                              else has_column_privilege(c.oid, a.attnum, r.privilege) end, false)
     union all
     select 'usage on the sequence ' || $2 where not coalesce(has_sequence_privilege(to_regclass('public.' || $2), 'usage'), false)
      order by 1`,
    [JSON.stringify(rights), sequence],
  );
  const [first] = rows;
  if (!first) return undefined;
  const more = rows.length === 1 ? '' : ` and ${rows.length - 1} more`;
  return `The serving role lacks the right of ${first.lacking}${more}, as after a restore without privileges.`;
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
