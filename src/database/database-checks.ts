import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { bad, type Check, good } from '../check.ts';
import { DatabaseClock, mostSkewSeconds } from './database-clock.ts';
import { ReadDatabase } from './database.ts';
import { functionSet, inSchema } from './function-set.ts';
import { readMigrations } from './migrate.ts';
import { Reach } from './reach.ts';
import {
  howToDeployAgain,
  howToGetRights,
  lackOfFunctions,
  lackOfRights,
  roleRemedy,
  standingOf,
} from './serving-role.ts';

/** Clocks that differ by less are taken for equal, in seconds. */
const equalClocks = 2;

const migrateAgain =
  'Run this, as the role that owns the tables: DATABASE_OWNER_URL=… node dist/database/migrate.js (see docs/operations/upgrade.md).';

/** Looks at the database with the connections of the service: as the role that it serves with, and not as another one. */
@Injectable()
export class DatabaseChecks {
  constructor(
    private readonly reads: ReadDatabase,
    private readonly reach: Reach,
    private readonly clock: DatabaseClock,
  ) {}

  /** All checks. Never fails: what cannot be looked at is in the answer. */
  async all(): Promise<Check[]> {
    const checks: [name: string, look: () => Promise<Check>][] = [
      ['database role', () => this.role()],
      ['database rights', () => this.rights()],
      ['row-level security', () => this.security()],
      ['migrations', () => this.migrations()],
      ['functions', () => this.functions()],
      ['encryption', () => this.encryption()],
      ['durability', () => this.durability()],
      ['clock of the database', async () => this.clockSkew()],
    ];
    return await Promise.all(checks.map(async ([name, look]) => await look().catch((error) => notSeen(name, error))));
  }

  private async role(): Promise<Check> {
    const { role, fault } = await standingOf(this.reads.pool);
    if (fault !== undefined)
      return bad('failed', 'database role', `The service is connected as ${role}, which ${fault}.`, roleRemedy);
    return good(
      'database role',
      `The service is connected as ${role}, which is no superuser, cannot bypass row-level security, and owns no table.`,
    );
  }

  private async rights(): Promise<Check> {
    const check = 'database rights';
    const { rows } = await this.reads.pool.query<{ role: string; rights: string[] }>(`
      select current_user as role,
             array_remove(array[case when has_database_privilege(current_database(), 'create') then 'make schemas' end], null)
             || array(select 'act as ' || rolname || ', which makes roles or databases, or replicates' from pg_roles
                       where (rolcreaterole or rolcreatedb or rolreplication) and pg_has_role(current_user, oid, 'member') order by 1)
             || array(select 'make objects in the schema ' || nspname from pg_namespace
                       where nspname !~ '^pg_' and nspname <> 'information_schema' and has_schema_privilege(oid, 'create')
                       order by 1)
             || array(select lower(privilege) || ' on ' || relname from pg_class, unnest(array['TRUNCATE', 'TRIGGER']) as privilege
                       where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')
                         and has_table_privilege(oid, privilege) order by 1) as rights`);
    const [{ role, rights } = { role: '', rights: [] }] = rows;
    const lack = await lackOfRights(this.reads.pool);
    if (lack !== undefined) return bad('failed', check, lack, howToGetRights);
    if (rights.length === 0) return good(check, `${role} can change no table, schema, function or role.`);
    return bad(
      'failed',
      check,
      `${role} may do what the service never does: ${some(rights)}.`,
      `Revoke it from ${role}, and from the roles and from public through which ${role} has it. ${roleRemedy}`,
    );
  }

  private async security(): Promise<Check> {
    const check = 'row-level security';
    const { rows } = await this.reads.pool.query<{ tables: string; open: string[] }>(`
      with tenants_tables as (
        select c.* from pg_class c
         where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
           and (c.relname = 'tenants'
                or exists (select from pg_attribute where attrelid = c.oid and attname = 'tenant_id' and not attisdropped))
      )
      select count(*) as tables,
             coalesce(array_agg(relname || case when not relrowsecurity then ': it is off'
                                                when not relforcerowsecurity then ': it is not forced'
                                                else ': the policy that binds to a tenant is not there' end order by relname)
                      filter (where not (relrowsecurity and relforcerowsecurity
                                         and exists (select from pg_policy
                                                      where polrelid = t.oid and not polpermissive and polcmd = '*'
                                                        and to_regrole('stagedoor_app') = any (polroles)
                                                        and pg_get_expr(polqual, polrelid) like '%app.tenant_id%'
                                                        and pg_get_expr(polwithcheck, polrelid) like '%app.tenant_id%'))), '{}') as open
        from tenants_tables as t`);
    const [{ tables, open } = { tables: '0', open: [] }] = rows;
    const remedy =
      'Stop the service. Run in Postgres, as the owner of the table: alter table … enable row level security; alter table … force row level security; and make the missing policy, as the migration of the table does.';
    if (open.length > 0) return bad('failed', check, `Tenants are not kept apart in ${some(open)}.`, remedy);
    return good(check, `It is on and forced in all ${tables} tables of tenants, and binds the service to one tenant.`);
  }

  private async migrations(): Promise<Check> {
    const check = 'migrations';
    const [ours, { rows: applied }] = await Promise.all([
      readMigrations(),
      this.reads.pool.query<{ name: string; checksum: string; done: boolean }>(
        `select migration_name as name, checksum, finished_at is not null as done
           from public._prisma_migrations where rolled_back_at is null order by migration_name`,
      ),
    ]);
    const found = new Map(applied.map((one) => [one.name, one]));
    const names = (wrong: { name: string }[]) => some(wrong.map(({ name }) => name));
    const failed = applied.filter(({ done }) => !done);
    if (failed.length > 0)
      return bad(
        'failed',
        check,
        `Not finished: ${names(failed)}.`,
        'See docs/operations/upgrade.md, and migrate again.',
      );
    const missing = ours.filter(({ name }) => !found.has(name));
    if (missing.length > 0) return bad('failed', check, `The database lacks ${names(missing)}.`, migrateAgain);
    const changed = ours.filter(({ name, checksum }) => found.get(name)?.checksum !== checksum);
    if (changed.length > 0)
      return bad(
        'failed',
        check,
        `Applied in another form than this build has: ${names(changed)}.`,
        'The database is not of a release of Stagedoor. Compare it with a new one before you go on.',
      );
    const newer = applied.filter(({ name }) => !ours.some((one) => one.name === name));
    const more = newer.length === 0 ? '' : ` It also has ${names(newer)}, of a newer build.`;
    return good(check, `The database has all ${ours.length} migrations of this build.${more}`);
  }

  private async functions(): Promise<Check> {
    const check = 'functions';
    const { pool } = this.reads;
    const lack = await lackOfFunctions(pool);
    if (lack !== undefined) return bad('failed', check, lack, 'See docs/operations/upgrade.md.');
    const { schema, functions } = functionSet;
    const { rows } = await pool.query<DeployedFunction>(
      `select proname::text as name, md5(prosrc) as body, prosecdef as "isDefiner", pg_get_userbyid(proowner)::text as owner,
              has_function_privilege('public', oid, 'execute') as "isPublic"
         from pg_proc where pronamespace = $1::regnamespace`,
      [schema],
    );
    const deployed = new Map(rows.map((row) => [row.name, row]));
    const changed = functions.filter((one) => {
      const found = deployed.get(one.name);
      const owned = one.owner === 'migrator' || found?.owner === one.owner;
      const secure = found?.isDefiner === (one.security === 'definer') && !found.isPublic;
      return !owned || !secure || found.body !== md5(bodyOf(inSchema(one, functionSet)));
    });
    if (changed.length > 0)
      return bad(
        'failed',
        check,
        `Somebody has changed ${some(changed.map(({ name }) => name))} in the schema ${schema}.`,
        howToDeployAgain,
      );
    const { rows: sets } = await pool.query<{ hash: string }>(
      'select hash from public.function_sets order by deployed_at desc limit 1',
    );
    if (sets[0]?.hash === functionSet.hash)
      return good(check, `All ${functions.length} functions of this build are there, unchanged (schema ${schema}).`);
    return bad(
      'warning',
      check,
      `All ${functions.length} functions of this build are there, unchanged (schema ${schema}), but another build has migrated since.`,
      'Replace this replica by one of the build that has migrated. Two more migrations, and its functions are gone.',
    );
  }

  private async encryption(): Promise<Check> {
    const check = 'encryption';
    const remedy =
      'Add sslmode=verify-full to DATABASE_URL, and sslrootcert if Node does not know the authority of the certificate.';
    if (this.reach.isPooled)
      return bad(
        'unknown',
        check,
        'A connection pooler stands between the service and Postgres.',
        `${remedy} Do the same in the pooler.`,
      );
    const { rows } = await this.reads.pool.query<{ ssl: boolean | null; isLocal: boolean }>(`
      select (select ssl from pg_stat_ssl where pid = pg_backend_pid()) as ssl,
             inet_server_addr() is null or inet_server_addr() <<= '127.0.0.0/8' or inet_server_addr() = '::1' as "isLocal"`);
    const [{ ssl, isLocal } = { ssl: null, isLocal: false }] = rows;
    if (ssl === true) return good(check, 'The connection to Postgres is encrypted.');
    if (isLocal) return good(check, 'Postgres is on this machine.');
    return bad('warning', check, 'The connection to Postgres is not encrypted.', remedy);
  }

  /** A ban that was answered and is then lost would let somebody back in. */
  private async durability(): Promise<Check> {
    const check = 'durability';
    const { rows } = await this.reads.pool.query<{ name: string }>(
      `select name from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by 1`,
    );
    if (rows.length === 0) return good(check, 'What Postgres has confirmed is on disk.');
    return bad(
      'warning',
      check,
      `Postgres runs with ${rows.map(({ name }) => `${name} = off`).join(', ')}: a ban that it has confirmed can be lost when the machine stops.`,
      'Turn it on, on the server and for the role of the service.',
    );
  }

  private clockSkew(): Check {
    const check = 'clock of the database';
    const skew = this.clock.skewSeconds;
    const size = Math.abs(skew);
    if (size <= equalClocks) return good(check, 'This replica and the database have the same time.');
    return bad(
      size > mostSkewSeconds ? 'failed' : 'warning',
      check,
      `The clock of this replica is ${Math.round(size)} s ${skew > 0 ? 'ahead of' : 'behind'} that of the database.`,
      'Set both by NTP.',
    );
  }
}

interface DeployedFunction {
  name: string;
  /** MD5 of its body. */
  body: string;
  isDefiner: boolean;
  owner: string;
  /** Whether everybody may call it. */
  isPublic: boolean;
}

/** The check of something that could not be looked at. */
function notSeen(check: string, error: unknown): Check {
  if ((error as { code?: unknown }).code === '42501')
    return bad('unknown', check, 'The role of the service may not look.', migrateAgain);
  return bad(
    'unknown',
    check,
    'The database cannot be reached, or is too slow.',
    'Look at /health/ready and at Postgres, and ask again.',
  );
}

/** The first of some names, and how many more there are. */
function some(names: string[]): string {
  const more = names.length - 5;
  return `${names.slice(0, 5).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

/** The body of a function, as Postgres keeps it: what stands between the first $$ and the last. */
function bodyOf(sql: string): string {
  return sql.slice(sql.indexOf('$$') + 2, sql.lastIndexOf('$$'));
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
