/** What is measured, as in production: the built service, a durable Postgres, and the emulator in a process of its own. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import { Api } from '../../dev/demo.ts';
import { freePort, type Postgres, startPostgres } from '../../dev/postgres.ts';
import { migrate } from './migrate.ts';
import type { Issuer } from './issuers.ts';
import { opensslVariables } from './openssl.ts';
import { type Program, processorMs, startProgram, untilOk } from './processes.ts';

export const root = path.resolve(import.meta.dirname, '../..');

/** Credentials of the emulator. */
export const ivsCredentials = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' };

export interface Tenant {
  id: string;
  slug: string;
  /** The API with the key of its administrator. */
  api: Api;
  spaceIds: string[];
}

export interface Deployment {
  url: string;
  ivsUrl: string;
  operator: Api;
  /** Connection string of the superuser, who sees every row. */
  superuserUrl: string;
  /** Connection string of the serving role. */
  serviceUrl: string;
  masterKey: Buffer;
  service: Program;
  emulator: Program;
  postgresPid: number;
  /** Starts one more replica of the service, on the same Postgres. undefined takes a setting away. */
  addReplica(env?: Record<string, string | undefined>): Promise<{ url: string; program: Program }>;
  /** Starts the service again, with other settings. */
  restart(env: Record<string, string>, nodeArgs?: string[]): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Starts everything, with an empty database.
 * @param dataDir folder of a Postgres with the database of a deployment, such as `fillRows` makes. It is used, and stays.
 */
export async function startDeployment(env: Record<string, string> = {}, dataDir?: string): Promise<Deployment> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-bench-'));
  chmodSync(folder, 0o711); // When root starts Postgres, it runs as another user, who must enter the folder.
  const log = path.join(folder, 'log');
  const postgres = await startPostgres({
    dataDir: dataDir ?? path.join(folder, 'postgres'),
    durable: true,
    password: 'bench',
  });
  const emulatorPort = await freePort();
  const emulator = startProgram(
    [path.join(root, 'emulator/dist/bin.js'), '--port', String(emulatorPort), '--no-quotas'],
    process.env,
    log,
  );
  const ivsUrl = `http://127.0.0.1:${emulatorPort}`;
  const serviceUrl = dataDir === undefined ? await makeDatabase(postgres) : await migrated(postgres);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const settings = {
    PORT: String(port),
    HOST: '127.0.0.1',
    LOG_LEVEL: 'warn',
    METRICS_PUBLIC: 'true',
    SHUTDOWN_DRAIN_SECONDS: '0',
    DATABASE_URL: serviceUrl,
    STAGEDOOR_OPERATOR_TOKEN: randomBytes(32).toString('base64url'),
    STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
    AWS_REGION: 'us-east-1',
    IVS_ENDPOINT: ivsUrl,
    ...ivsCredentials,
    ...opensslVariables(),
    ...env,
  };
  const launch = async (more: Record<string, string | undefined> = {}, nodeArgs: string[] = []): Promise<Program> => {
    const { PATH } = process.env;
    const args = [...nodeArgs, path.join(root, 'dist/main.js')];
    const program = startProgram(args, { PATH, ...settings, ...more }, log);
    await untilOk(`http://127.0.0.1:${more['PORT'] ?? port}/health/ready`, log);
    return program;
  };
  const deployment: Deployment = {
    url,
    ivsUrl,
    operator: new Api(url, settings.STAGEDOOR_OPERATOR_TOKEN),
    superuserUrl: postgres.url('stagedoor'),
    serviceUrl,
    masterKey: Buffer.from(settings.STAGEDOOR_MASTER_KEY, 'base64'),
    service: await launch(),
    emulator,
    postgresPid: await postmasterPid(postgres),
    async addReplica(more = {}) {
      const own = await freePort();
      return { url: `http://127.0.0.1:${own}`, program: await launch({ PORT: String(own), ...more }) };
    },
    async restart(more, nodeArgs) {
      await deployment.service.stop();
      deployment.service = await launch(more, nodeArgs);
    },
    async stop() {
      await deployment.service.stop();
      await emulator.stop();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
      if (dataDir === undefined) rmSync(postgres.dataDir, { recursive: true, force: true });
    },
  };
  return deployment;
}

/** Makes the database with an owner and a serving role, as in production. Returns the connection string of the serving role. */
export async function makeDatabase(postgres: Postgres): Promise<string> {
  await withClient(postgres.url('postgres'), async (client) => {
    await client.query(`create role stagedoor login createrole password 'bench'`);
    await client.query('create database stagedoor owner stagedoor');
  });
  const serviceUrl = await migrated(postgres);
  await withClient(postgres.url('stagedoor'), (client) =>
    client.query(`create role stagedoor_service login password 'bench' in role stagedoor_app`),
  );
  return serviceUrl;
}

async function migrated(postgres: Postgres): Promise<string> {
  await migrate(postgres.url('stagedoor', 'stagedoor'));
  return postgres.url('stagedoor', 'stagedoor_service');
}

async function postmasterPid(postgres: Postgres): Promise<number> {
  let pid = 0;
  await withClient(postgres.url('postgres'), async (client) => {
    const { rows } = await client.query<{ file: string }>(`select pg_read_file('postmaster.pid') as file`);
    pid = Number(rows[0]?.file.split('\n')[0]);
  });
  return pid;
}

export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Makes a tenant with issuers and spaces through the API. With `signingKey` the service signs its stage tokens. */
export async function makeTenant(
  deployment: Deployment,
  slug: string,
  { issuers = [], spaces = 1, signingKey = false }: { issuers?: Issuer[]; spaces?: number; signingKey?: boolean },
): Promise<Tenant> {
  const { id } = await insist<{ id: string }>(deployment.operator, '/v1/tenants', { slug, name: slug });
  const { key } = await insist<{ key: string }>(deployment.operator, `/v1/tenants/${id}/api-keys`, {
    name: 'bench',
    scopes: ['*'],
  });
  const api = deployment.operator.as(key);
  for (const issuer of issuers) await insist(api, '/v1/issuers', issuer.registration);
  const spaceIds: string[] = [];
  for (let i = 0; i < spaces; i++) {
    const body = { name: `Space ${i}`, defaultRole: 'speaker' };
    spaceIds.push((await insist<{ id: string }>(api, '/v1/spaces', body)).id);
  }
  if (signingKey) await insist(api, '/v1/signing-keys', {});
  return { id, slug, api, spaceIds };
}

/** Posts, and asks again after a 503: a service that has just started on a busy machine does not answer each call in time. */
async function insist<T>(api: Api, path: string, body: unknown): Promise<T> {
  for (let tries = 1; tries < 20; tries++) {
    const answer = await api.send('POST', path, body);
    if (answer.status < 300) return answer.body as T;
    if (answer.status !== 503) break;
    await delay(1_000);
  }
  return await api.call<T>('POST', path, body); // says why it is refused
}

/** Milliseconds of processor time that each program has used so far. */
export function processorUse(deployment: Deployment): Record<string, number> | undefined {
  const service = processorMs(deployment.service.pid);
  const postgres = processorMs(deployment.postgresPid, true);
  const emulator = processorMs(deployment.emulator.pid);
  const generator = processorMs(process.pid);
  if (service === undefined || postgres === undefined || emulator === undefined || generator === undefined)
    return undefined;
  return { service, postgres, emulator, generator };
}
