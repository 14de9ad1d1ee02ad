/** `npm run reset`: deletes the data folder of `npm start`, so that the next start begins anew. */
import { existsSync, lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs';

import { shown } from './banner.ts';
import { DataDir } from './data-dir.ts';
import { stopLeftOver } from './postgres.ts';
import { readSettings } from './settings.ts';
import { UserError } from './user-error.mjs';

/** All that npm start puts into its data folder. */
const OURS = new Set(['postgres', 'postgres.new', 'secrets', 'logs', 'emulator', 'demo.json', 'demo.env', 'start.pid']);

async function reset(folder: string): Promise<void> {
  if (!existsSync(folder)) return console.log(`There is nothing to delete: ${shown(folder)} does not exist.`);
  const foreign = readdirSync(folder).filter((name) => !OURS.has(name));
  if (foreign.length > 0)
    throw new UserError(
      `${shown(folder)} holds what npm start did not put there: ${foreign.join(', ')}. Nothing was deleted. Remedy: move it away, or delete the folder yourself`,
    );
  const data = new DataDir(folder); // throws if another command uses the folder
  const deleted = [folder];
  const postgres = data.path('postgres');
  // Where Postgres could not reach the folder, its data lies elsewhere and a link leads there.
  if (lstatSync(postgres, { throwIfNoEntry: false })?.isSymbolicLink() && existsSync(postgres))
    deleted.push(realpathSync(postgres));
  if (existsSync(postgres)) await stopLeftOver(realpathSync(postgres));
  data.release();
  for (const each of deleted) {
    rmSync(each, { recursive: true, force: true });
    console.log(`Deleted ${shown(each)}`);
  }
}

try {
  await reset(readSettings().dataDir);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
