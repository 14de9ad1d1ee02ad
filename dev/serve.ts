/** What `npm start` and `npm run dev` have in common: Postgres, IVS, the service, a demo tenant, and one Ctrl-C for all. */
import { randomBytes } from 'node:crypto';
import net from 'node:net';

import { banner } from './banner.ts';
import { type Child, Running } from './children.ts';
import { DataDir } from './data-dir.ts';
import { Api, type Demo, prepareDemo } from './demo.ts';
import { type Ivs, sendEventsTo, startIvs } from './ivs.ts';
import { type Database, type MigrateCommand, prepareDatabase } from './migrating.ts';
import { portRefusal } from './ports.mjs';
import { readSettings } from './settings.ts';
import { reason, UserError } from './user-error.mjs';

/** How a command runs the programs. Each list of words is what `node` is called with. */
export interface Programs {
  migrate: MigrateCommand;
  emulator: readonly string[];
  /** Starts the service; resolves when it answers at `readyUrl` that it is ready. */
  startService(context: ServiceContext): Promise<Child>;
  /** Lines that the banner says about changes of sources. */
  watching: string[];
}

export interface ServiceContext {
  env: NodeJS.ProcessEnv;
  logFile: string;
  readyUrl: string;
  running: Running;
  database: Database;
}

/** Starts everything, says when it is ready, and stops everything on Ctrl-C or when a part ends by itself. */
export async function serve(programs: Programs): Promise<void> {
  const running = new Running();
  endOnSignals(running);
  try {
    await start(running, programs);
  } catch (error) {
    if (running.isEnding) return;
    console.error(error instanceof UserError ? `\n${error.message}` : error);
    await running.end(1);
  }
}

async function start(running: Running, programs: Programs): Promise<void> {
  const settings = readSettings();
  const refusal = await portRefusal(settings);
  if (refusal) throw new UserError(refusal);
  const data = new DataDir(settings.dataDir);
  running.afterwards(data.release);
  const secrets = {
    operatorToken: settings.operatorToken ?? data.secret('operator-token'),
    masterKey: settings.masterKey ?? data.secret('master-key', () => randomBytes(32).toString('base64')),
    ivsEvents: settings.ivsEventsSecret ?? data.secret('ivs-events-secret'),
  };
  const [database, ivs] = await Promise.all([
    prepareDatabase(settings, data, running, programs.migrate),
    startIvs(settings, data, running, programs.emulator),
  ]);
  if (running.isEnding) return;

  console.error('Starting the service …');
  // The owner's connection string is not for the service.
  const { DATABASE_OWNER_URL: _owner, ...env } = { ...process.env, ...ivs.env };
  const address = `http://${net.isIPv6(settings.host) ? `[${settings.host}]` : reachable(settings.host)}:${settings.port}`;
  await programs.startService({
    env: {
      METRICS_PUBLIC: 'true', // by default it listens to this machine alone
      SHUTDOWN_DRAIN_SECONDS: '0', // no load balancer stands in front of it
      WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true', // receivers run on this machine, too
      ...env,
      PORT: String(settings.port),
      HOST: settings.host,
      DATABASE_URL: database.url,
      STAGEDOOR_OPERATOR_TOKEN: secrets.operatorToken,
      STAGEDOOR_MASTER_KEY: secrets.masterKey,
      IVS_EVENTS_SECRET: secrets.ivsEvents,
      STAGEDOOR_DEMO_DATA: data.folder,
    },
    logFile: data.path('logs', 'service.log'),
    readyUrl: `${address}/health/ready`,
    running,
    database,
  });
  if (ivs.name === 'emulator') await sendEventsTo(`${address}/ingest/ivs-events`, secrets.ivsEvents, ivs);
  const demo = await demoTenant(new Api(address, secrets.operatorToken), data, ivs);
  if (running.isEnding) return;
  const { operatorToken } = secrets;
  console.log(banner({ settings, address, database, operatorToken, demo, watching: programs.watching }));
}

async function demoTenant(api: Api, data: DataDir, ivs: Ivs): Promise<Demo | string> {
  try {
    return await prepareDemo(api, data, ivs);
  } catch (error) {
    // All parts are ours with the emulator, so a failure is a fault. An AWS account may refuse for reasons of its own.
    if (ivs.name === 'emulator') throw error;
    return reason(error);
  }
}

/** Whether a server answers with a success at `url` within half a second. */
export async function answersOk(url: string): Promise<boolean> {
  // Without keep-alive: a connection that is kept would hold up the end of the service.
  const answer = await fetch(url, { signal: AbortSignal.timeout(500), headers: { connection: 'close' } });
  await answer.arrayBuffer();
  return answer.ok;
}

/** The address at which this machine reaches a server that listens on `host`. */
function reachable(host: string): string {
  return host === '0.0.0.0' ? '127.0.0.1' : host;
}

/** Ends everything on a signal. One Ctrl-C may arrive twice, because dev/run.mjs passes it on too. */
function endOnSignals(running: Running): void {
  let first = 0;
  const end = () => {
    // A second Ctrl-C asks for an end at once. The cleaner then stops what still runs.
    if (running.isEnding && performance.now() - first > 1_000) process.exit(130);
    if (running.isEnding) return;
    first = performance.now();
    console.error('\nStopping …');
    void running.end(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  process.on('disconnect', end); // dev/run.mjs was killed
}
