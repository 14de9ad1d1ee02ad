import { appendFileSync, chmodSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import pg from 'pg';

import { startPostgres } from '../../dev/postgres.ts';
import { postgresUrl } from '../support/shared.ts';

it('every test file is handed a Postgres it may do everything in', async () => {
  const client = new pg.Client({ connectionString: await postgresUrl() });
  await client.connect();
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
  await client.end();
  expect(Number(rows[0]?.version)).toBeGreaterThanOrEqual(150_000);
});

test('one that does not start says why, however long its log is', async () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-test-'));
  chmodSync(folder, 0o711); // Postgres does not run as root, and has to reach it.
  const options = { dataDir: path.join(folder, 'data'), durable: true };
  try {
    const postgres = await startPostgres(options);
    await postgres.stop();
    const log = path.join(postgres.dataDir, 'server.log');
    truncateSync(log, 2 ** 30); // more than fits into a string
    appendFileSync(log, '\n');
    appendFileSync(path.join(postgres.dataDir, 'postgresql.auto.conf'), 'no_such_setting = 1\n');
    await expect(startPostgres(options)).rejects.toThrow(/did not start: ended with 1: .*"no_such_setting"/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
