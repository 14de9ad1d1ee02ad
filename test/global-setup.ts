/**
 * Offers to every test file of the run what few of them need: one throw-away Postgres, and the build. Each is made when the
 * first test asks for it (test/support/shared.ts), so that a single test file does not wait for what it does not need.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';

import { type Postgres, startPostgres } from '../dev/postgres.ts';

declare global {
  // oxlint-disable-next-line vars-on-top, no-var -- the one place where jest lets the teardown find something
  var sharedByTests: { stop(): Promise<void> } | undefined;
}

let postgres: Promise<Postgres> | undefined;
let build: Promise<unknown> | undefined;

const usesDatabase = /support\/(stagedoor|database|cluster|shared)/;

/** What can be asked for, by path. The answer is a text. */
const offers: Record<string, () => Promise<string>> = {
  '/postgres': async () => {
    const dataDir = path.join(os.tmpdir(), `stagedoor-test-${randomUUID()}`);
    postgres ??= startPostgres({ dataDir, durable: false });
    return (await postgres).url('postgres');
  },
  '/build': async () => {
    const root = path.resolve(import.meta.dirname, '..');
    build ??= promisify(execFile)(process.execPath, [path.join(root, 'dev/run.mjs'), '--needs=built']);
    await build;
    return path.join(root, 'dist');
  },
};

/** Whether one of the test files that were named on the command line uses a database; true if none was named. */
function probablyNeedsPostgres(named: string[]): boolean {
  const files = named.filter((name) => name.endsWith('.test.ts') && existsSync(name));
  return (
    files.length < named.length ||
    named.length === 0 ||
    files.some((file) => usesDatabase.test(readFileSync(file, 'utf8')))
  );
}

export default async function setUp({ nonFlagArgs }: { nonFlagArgs: string[] }): Promise<void> {
  // Postgres starts while jest loads the test files. A test that was not foreseen here starts it when it asks.
  if (probablyNeedsPostgres(nonFlagArgs)) offers['/postgres']?.().catch(() => {}); // whoever asks hears of a failure
  const server = http.createServer((request, response) => {
    const offer = offers[request.url ?? ''];
    if (!offer) return void response.writeHead(404).end();
    offer().then(
      (text) => response.end(text),
      (error: unknown) => response.writeHead(500).end(error instanceof Error ? error.message : String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  process.env.TEST_SHARED_URL = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  globalThis.sharedByTests = {
    async stop() {
      server.closeAllConnections();
      server.close();
      await (await postgres?.catch(() => undefined))?.stop();
    },
  };
}
