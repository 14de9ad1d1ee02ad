/** One throw-away Postgres for the whole run; every test file makes databases of its own in it. */
import { randomUUID } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';

import { type Postgres, startPostgres } from '../dev/postgres.ts';

declare global {
  // oxlint-disable-next-line vars-on-top, no-var -- the one place jest offers to hand something to the teardown
  var testPostgres: Postgres | undefined;
}

export default async function setUp(): Promise<void> {
  const dataDir = path.join(os.tmpdir(), `stagedoor-test-${randomUUID()}`);
  const postgres = await startPostgres({ dataDir, durable: false });
  globalThis.testPostgres = postgres;
  process.env.TEST_POSTGRES_URL = postgres.url('postgres');
}
