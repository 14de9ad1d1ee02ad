import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { optionsOf } from '../command-line.ts';
import { messageOf } from '../redaction.ts';
import { isTransactionConflict } from './database-errors.ts';
import { deployFunctions } from './deploy-functions.ts';
import { functionSet, migrationsFolder } from './function-set.ts';

/** Key of the advisory lock that Prisma's migration engine takes too. So the two take turns on one database. */
const prismaLock = 72_707_369;

/** The table in which Prisma records migrations. */
const createMigrationsTable = `create table if not exists _prisma_migrations (
  id varchar(36) primary key not null, checksum varchar(64) not null, finished_at timestamptz,
  migration_name varchar(255) not null, logs text, rolled_back_at timestamptz,
  started_at timestamptz not null default now(), applied_steps_count integer not null default 0)`;

/** A row of Prisma's table. */
interface RecordedMigration {
  migration_name: string;
  checksum: string;
  finished_at: Date | null;
}

/** What a run of `migrate` has changed. */
export interface MigrationResult {
  /** Names of the applied migrations, in order. */
  migrations: string[];
  /** Schema of the deployed set of functions; undefined if the database had it already. */
  functions: string | undefined;
}

/**
 * Brings a database up to date. It applies the new migrations of `prisma/migrations` in the order of their names, and
 * records them as `prisma migrate deploy` does, so either can be used. Then it deploys the functions of this build. Runs at
 * the same time take turns.
 *
 * @param ownerUrl connects as the role that owns the tables.
 * @throws {Error} if a migration fails, failed before, or was changed after it was applied, or if a function cannot be
 * created.
 */
export async function migrate(
  ownerUrl: string,
  folder = migrationsFolder,
  set = functionSet,
): Promise<MigrationResult> {
  const client = new pg.Client({ connectionString: ownerUrl, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [prismaLock]);
    const migrations = await applyMigrations(client, folder);
    if (migrations.length > 0) await earlierTransactionsEnd(client);
    const isNew = await deployFunctions(client, set);
    return { migrations, functions: isNew ? set.schema : undefined };
  } finally {
    await client.end(); // releases the lock
  }
}

async function applyMigrations(client: pg.Client, folder: string): Promise<string[]> {
  await client.query(createMigrationsTable);
  const recorded = await client.query<RecordedMigration>(
    'select migration_name, checksum, finished_at from _prisma_migrations where rolled_back_at is null',
  );
  const failed = recorded.rows.find((row) => row.finished_at === null);
  if (failed) {
    throw new Error(`migration ${failed.migration_name} failed before: resolve it with \`prisma migrate resolve\``);
  }
  const done = new Map(recorded.rows.map((row) => [row.migration_name, row.checksum]));
  const applied: string[] = [];
  for (const migration of await readMigrations(folder)) {
    const checksum = done.get(migration.name);
    if (checksum === undefined) {
      await apply(client, migration);
      applied.push(migration.name);
    } else if (checksum !== migration.checksum) {
      throw new Error(
        `migration ${migration.name} was changed after it was applied: the database is of a version from before the migrations were frozen, and cannot be migrated. Make a new database`,
      );
    }
  }
  return applied;
}

/** A migration of the build. */
export interface Migration {
  name: string;
  sql: string;
  /** SHA-256 of its text, in hexadecimal. */
  checksum: string;
}

/**
 * Waits until the transactions have ended that hold an advisory lock now, ten seconds at most. Such a transaction of a
 * replica of the release before runs functions of before the migrations. The functions of this build come after it, so they
 * need not take the locks that those functions took.
 */
async function earlierTransactionsEnd(client: pg.Client): Promise<void> {
  const holding = `select virtualtransaction as id from pg_locks
    where locktype = 'advisory' and pid <> pg_backend_pid()
      and database = (select oid from pg_database where datname = current_database())`;
  let { rows } = await client.query<{ id: string }>(holding);
  for (const until = performance.now() + 10_000; rows.length > 0 && performance.now() < until;) {
    await delay(50);
    const ids = rows.map(({ id }) => id);
    ({ rows } = await client.query<{ id: string }>(`${holding} and virtualtransaction = any ($1)`, [ids]));
  }
}

/** The migrations of a folder in Prisma's layout, in order. */
export async function readMigrations(folder = migrationsFolder): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(path.join(folder, name, 'migration.sql'), 'utf8');
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') };
    }),
  );
}

/** A migration is tried so often while Postgres ends it because of transactions of the replicas that serve. */
const tries = 20;

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  const id = randomUUID();
  await client.query('insert into _prisma_migrations (id, checksum, migration_name) values ($1, $2, $3)', [
    id,
    checksum,
    name,
  ]);
  try {
    await inOneTransaction(client, sql);
  } catch (error) {
    await client.query('update _prisma_migrations set logs = $2 where id = $1', [id, String(error)]);
    throw new Error(`migration ${name} failed: ${messageOf(error)}`, {
      cause: error,
    });
  }
  await client.query('update _prisma_migrations set finished_at = now(), applied_steps_count = 1 where id = $1', [id]);
}

/**
 * In the simple protocol, Postgres runs a whole file as one transaction. It holds the locks of its tables until the end, and so does
 * each transaction of a replica: two may wait for each other. Postgres then ends either, and nothing of it is left.
 */
async function inOneTransaction(client: pg.Client, sql: string): Promise<void> {
  for (let tried = 1; ; tried++) {
    try {
      await client.query(sql);
      return;
    } catch (error) {
      if (!isTransactionConflict(error) || tried === tries) throw error;
      await delay(Math.random() * 500);
    }
  }
}

function describe({ migrations, functions }: MigrationResult): string {
  const done = [
    ...(migrations.length > 0 ? [`Applied ${migrations.join(', ')}.`] : []),
    ...(functions === undefined ? [] : [`Deployed the functions into the schema ${functions}.`]),
  ];
  return done.join(' ') || 'The database is up to date.';
}

if (import.meta.main) {
  try {
    optionsOf(process.argv.slice(2), {});
    const ownerUrl = process.env['DATABASE_OWNER_URL'];
    if (!ownerUrl) throw new Error('DATABASE_OWNER_URL is required. Migrations run as the role that owns the tables.');
    process.stdout.write(`${describe(await migrate(ownerUrl))}\n`);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  }
}
