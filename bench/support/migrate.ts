import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

/** Migrates with the built service, as an operator does it. */
export async function migrate(ownerUrl: string): Promise<void> {
  const script = path.resolve(import.meta.dirname, '../../dist/database/migrate.js');
  await promisify(execFile)(process.execPath, [script], { env: { DATABASE_OWNER_URL: ownerUrl } });
}
