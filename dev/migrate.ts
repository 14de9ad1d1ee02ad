/** `npm run migrate`: migrates the database that the settings name, or that of the data folder. */
import { Running } from './children.ts';
import { DataDir } from './data-dir.ts';
import { migrate, startEmbedded } from './migrating.ts';
import { inspectRoles } from './roles.ts';
import { at, readSettings, type Settings } from './settings.ts';
import { UserError } from './user-error.mjs';

const command = ['--import', at('dev/run-typescript.mjs'), at('src/database/migrate.ts')];

/** Migrates the database of DATABASE_OWNER_URL or DATABASE_URL. */
async function migrateGiven({ databaseUrl, databaseOwnerUrl }: Settings): Promise<string> {
  const { ownerUrl, role } = await inspectRoles({ databaseUrl: databaseUrl!, ownerUrl: databaseOwnerUrl });
  if (ownerUrl) return await migrate(ownerUrl, command, false);
  throw new UserError(
    `${role}, the role of DATABASE_URL, may not migrate. Remedy: DATABASE_OWNER_URL=<the role that owns the database> npm run migrate`,
  );
}

/** Migrates the database of the data folder. Postgres runs only meanwhile, unless npm start or npm run dev runs it. */
async function migrateEmbedded({ dataDir }: Settings, running: Running): Promise<string> {
  const inUse = DataDir.runningDatabase(dataDir);
  if (inUse) return await migrate(inUse, command, true);
  const data = new DataDir(dataDir);
  running.afterwards(data.release);
  const { ownerUrl } = await startEmbedded(data, running);
  return await migrate(ownerUrl, command, true);
}

const running = new Running();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void running.end(130));
try {
  const settings = readSettings();
  console.log(await (settings.databaseUrl ? migrateGiven(settings) : migrateEmbedded(settings, running)));
  await running.end(0);
} catch (error) {
  console.error(error instanceof UserError ? error.message : error);
  await running.end(1);
}
