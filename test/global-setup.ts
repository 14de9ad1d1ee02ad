/**
 * Offers to every test file of the run what few of them need: one throw-away Postgres, and the build. Each is made when the
 * first test asks for it (test/support/shared.ts), so that a single test file does not wait for what it does not need.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
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

export default async function setUp(): Promise<void> {
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
