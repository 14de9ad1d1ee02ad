/** `npm start`: Postgres, the IVS emulator, the service and a demo tenant, in one command and stopped by one Ctrl-C. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';

import { banner } from './banner.ts';
import { type Child, Running, startNode } from './children.ts';
import { DataDir } from './data-dir.ts';
import { Api, type Demo, prepareDemo } from './demo.ts';
import { type Ivs, startIvs } from './ivs.ts';
import { portRefusal } from './ports.mjs';
import { startPostgres } from './postgres.ts';
import { makeDatabase, plan, servingUrl } from './roles.ts';
import { readSettings, root, type Settings } from './settings.ts';
import { reason, UserError } from './user-error.mjs';
import { until } from './wait.ts';

const DATABASE = 'stagedoor';

/** Starts everything; returns when it is ready and has said so. */
async function start(running: Running): Promise<void> {
  const settings = readSettings();
  const refusal = await portRefusal(settings);
  if (refusal) throw new UserError(refusal);
  const data = new DataDir(settings.dataDir);
  running.afterwards(data.release);
  const secrets = {
    operatorToken: settings.operatorToken ?? data.secret('operator-token'),
    masterKey: settings.masterKey ?? data.secret('master-key', () => randomBytes(32).toString('base64')),
  };
  if (settings.ivs.kind === 'emulator') say('Starting the IVS emulator …');
  const [database, ivs] = await Promise.all([
    prepareDatabase(settings, data, running),
    startIvs(settings, data, running),
  ]);

  say('Starting the service …');
  const { DATABASE_OWNER_URL: _notItsBusiness, ...env } = { ...process.env, ...ivs.env };
  const service = startNode(
    'service',
    [path.join(root, 'dist/main.js')],
    {
      ...env,
      PORT: String(settings.port),
      HOST: settings.host,
      DATABASE_URL: database.url,
      STAGEDOOR_OPERATOR_TOKEN: secrets.operatorToken,
      STAGEDOOR_MASTER_KEY: secrets.masterKey,
    },
    data.path('logs', 'service.log'),
  );
  running.add(service);
  const address = `http://${net.isIPv6(settings.host) ? `[${settings.host}]` : reachable(settings.host)}:${settings.port}`;
  await untilOk(`${address}/health/ready`, service);

  const demo = await demoTenant(new Api(address, secrets.operatorToken), data, ivs);
  if (running.isEnding) return;
  console.log(banner({ settings, address, database, operatorToken: secrets.operatorToken, demo }));
}

interface Database {
  /** Whom the service connects as. */
  url: string;
  /** The embedded one's owner, for a look inside. */
  ownerUrl?: string;
  embeddedIn?: string;
}

async function prepareDatabase(settings: Settings, data: DataDir, running: Running): Promise<Database> {
  const embedded = settings.databaseUrl ? undefined : await startEmbedded(data, running);
  const given = {
    databaseUrl: settings.databaseUrl ?? embedded!.ownerUrl,
    ownerUrl: settings.databaseOwnerUrl,
  };
  const found = await plan(given);
  if (found.ownerUrl) {
    say('Migrating the database …');
    await migrate(found.ownerUrl);
  }
  return { url: await servingUrl(given, found, data), ...embedded };
}

async function startEmbedded(data: DataDir, running: Running): Promise<{ ownerUrl: string; embeddedIn: string }> {
  say('Starting Postgres …');
  const logFile = data.path('logs', 'postgres.log');
  const postgres = await startPostgres({
    dataDir: data.path('postgres'),
    durable: true,
    password: data.secret('postgres-password'),
    logFile,
    say,
  });
  running.add({ name: 'Postgres', logFile, exited: postgres.exited.then(() => 'ended'), stop: () => postgres.stop() });
  const password = data.secret('database-owner-password');
  await makeDatabase(postgres.url('postgres'), DATABASE, password);
  return { ownerUrl: postgres.url(DATABASE, DATABASE, password), embeddedIn: postgres.dataDir };
}

async function migrate(ownerUrl: string): Promise<void> {
  try {
    await promisify(execFile)(process.execPath, [path.join(root, 'dist/database/migrate.js')], {
      env: { ...process.env, DATABASE_OWNER_URL: ownerUrl },
    });
  } catch (error) {
    const { stderr, message } = error as { stderr?: string; message: string };
    throw new UserError(`The database could not be migrated. ${stderr?.trim() || message}`, { cause: error });
  }
}

async function demoTenant(api: Api, data: DataDir, ivs: Ivs): Promise<Demo | string> {
  try {
    return await prepareDemo(api, data, ivs);
  } catch (error) {
    // With the emulator everything is ours, and a demo that fails is a fault. An AWS account may have its reasons.
    if (ivs.name === 'emulator') throw error;
    return reason(error);
  }
}

async function untilOk(url: string, service: Child): Promise<void> {
  const answered = async () => (await fetch(url, { signal: AbortSignal.timeout(5_000) })).ok;
  await until(answered, service, `does not answer at ${url}`);
}

/** Where a server that listens on `host` can be reached from this machine. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host;
}

function say(line: string): void {
  console.error(line);
}

/** One Ctrl-C may arrive twice, from the terminal and passed on by dev/run.mjs; a second one means: now. */
function endOnSignals(running: Running): void {
  let first = 0;
  const end = () => {
    if (running.isEnding && performance.now() - first > 1_000) process.exit(130); // the keeper does the rest
    if (running.isEnding) return;
    first = performance.now();
    say('\nStopping …');
    void running.end(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.on('disconnect', end); // dev/run.mjs was killed
}

const running = new Running();
endOnSignals(running);
try {
  await start(running);
} catch (error) {
  if (!running.isEnding) {
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    await running.end(1);
  }
}
