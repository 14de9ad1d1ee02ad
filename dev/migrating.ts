/** The database of `npm start`, `npm run dev` and `npm run migrate`: found or started, and migrated. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import type { Running } from './children.ts';
import type { DataDir } from './data-dir.ts';
import { startPostgres } from './postgres.ts';
import { inspectRoles, makeDatabase, servingUrl } from './roles.ts';
import { root, type Settings } from './settings.ts';
import { UserError } from './user-error.mjs';

const DATABASE = 'stagedoor';

export interface Database {
  /** Connection string of the role that serves. */
  url: string;
  /** Connection string of the role that migrates; undefined if the settings name no such role. */
  ownerUrl: string | undefined;
  /** The Postgres that was started here; undefined if the settings name one. */
  embedded: Embedded | undefined;
}

export interface Embedded {
  ownerUrl: string;
  /** Where the data lies. */
  folder: string;
}

/** What `node` is called with to migrate the database of DATABASE_OWNER_URL. */
export type MigrateCommand = readonly string[];

/** Starts Postgres unless the settings name one, and migrates. */
export async function prepareDatabase(
  settings: Settings,
  data: DataDir,
  running: Running,
  command: MigrateCommand,
): Promise<Database> {
  const embedded = settings.databaseUrl ? undefined : await startEmbedded(data, running);
  const given = { databaseUrl: settings.databaseUrl ?? embedded!.ownerUrl, ownerUrl: settings.databaseOwnerUrl };
  const found = await inspectRoles(given);
  if (found.ownerUrl) {
    console.error('Migrating the database …');
    await migrate(found.ownerUrl, command, embedded !== undefined);
  }
  return { url: await servingUrl(given, found, data), ownerUrl: found.ownerUrl, embedded };
}

/** Starts the Postgres of the data folder. */
export async function startEmbedded(data: DataDir, running: Running): Promise<Embedded> {
  console.error('Starting Postgres …');
  const logFile = data.path('logs', 'postgres.log');
  const postgres = await startPostgres({
    dataDir: data.path('postgres'),
    durable: true,
    password: data.secret('postgres-password'),
    logFile,
    say: (line) => console.error(line),
  });
  running.add({ name: 'Postgres', logFile, exited: postgres.exited.then(() => 'ended'), stop: () => postgres.stop() });
  const password = data.secret('database-owner-password');
  await makeDatabase(postgres.url('postgres'), DATABASE, password);
  return { ownerUrl: postgres.url(DATABASE, DATABASE, password), folder: postgres.dataDir };
}

/**
 * Migrates; returns what the migration says it did.
 * @throws UserError with what went wrong, and how to help it.
 */
export async function migrate(ownerUrl: string, command: MigrateCommand, isEmbedded: boolean): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [...command], {
      cwd: root,
      env: { ...process.env, DATABASE_OWNER_URL: ownerUrl },
    });
    return stdout.trim();
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    const why = stderr?.trim() || message;
    throw new UserError(`The database could not be migrated: ${why}${remedy(why, isEmbedded)}`, { cause: error });
  }
}

function remedy(why: string, isEmbedded: boolean): string {
  if (!isEmbedded || !why.includes('before the migrations were frozen')) return '';
  return '\nRemedy: `npm run reset` deletes the data folder with that database, and DATA_DIR=<another folder> keeps it.';
}
