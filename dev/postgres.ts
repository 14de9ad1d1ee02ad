/** A real Postgres from the programs of an npm package. `npm start` has one that is durable and takes a password; tests do without. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  closeSync,
  existsSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { cleanUpLater } from './clean-up.ts';
import { freePort, isFree } from './ports.mjs';
import { freshDataFolder, nativeFolder, program, realFolder, type RunAs, runAs } from './postgres-files.ts';

export interface PostgresOptions {
  /** Folder of the data. It is made if it is not there. */
  dataDir: string;
  /** Address to listen to; 127.0.0.1 by default. At another one, data that is made now takes connections of this machine alone. */
  host?: string;
  /** The port to try first. By default it is that of the last start, or any free one. */
  port?: number;
  /** False for tests: nothing is synced to disk, and `stop` removes the data. */
  durable: boolean;
  /** Password of the superuser, for data that is made now. Without one, every local connection is trusted. */
  password?: string;
  /** File of the server's log. By default it is in `dataDir`. */
  logFile?: string;
  /** Receives a line about what takes a while or is worth knowing. */
  say?: (line: string) => void;
  /** Folder whose `bin` holds the programs, for another Postgres than the embedded one. */
  native?: string | undefined;
}

export interface Postgres {
  port: number;
  /** Folder of the data, which is not the one asked for if Postgres could not reach that. */
  dataDir: string;
  /** Resolves when the server has ended, whoever stopped it. */
  exited: Promise<void>;
  /** Connection string of a user; of the superuser by default. */
  url(database: string, user?: string, password?: string): string;
  stop(): Promise<void>;
}

const loopback = '127.0.0.1';

/** Starts Postgres on TCP, on loopback unless told otherwise. Makes its data folder if there is none. */
export async function startPostgres(options: PostgresOptions): Promise<Postgres> {
  let dataDir = realFolder(options.dataDir);
  const as = runAs(dataDir);
  const native = options.native ?? nativeFolder(as);
  if (!options.durable) cleanUpLater({ do: 'remove', folder: dataDir });
  if (!existsSync(path.join(dataDir, 'PG_VERSION'))) dataDir = makeData(native, as, options);
  refuseOtherVersion(native, dataDir);
  await stopLeftOver(dataDir);

  const portFile = path.join(dataDir, 'stagedoor.port');
  const last = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : undefined;
  const wanted = options.port ?? last;
  let port = wanted && (await isFree(wanted)) ? wanted : await freePort();
  for (let attempt = 1; ; attempt++) {
    const child = launch(native, dataDir, as, port, options);
    const why = await untilReady(child, dataDir, options);
    if (why === undefined) {
      writeFileSync(portFile, `${port}\n`);
      return running(child, port, dataDir, options);
    }
    // The port was free a moment ago. Another process may have taken it since.
    if (attempt === 3 || !/in use|could not bind/i.test(why)) throw new Error(`Postgres did not start: ${why}`);
    port = await freePort();
  }
}

function makeData(native: string, as: RunAs, options: PostgresOptions): string {
  const { folder, place } = freshDataFolder(options.dataDir, as);
  if (place !== options.dataDir) {
    if (!options.durable) cleanUpLater({ do: 'remove', folder: place });
    options.say?.(
      `Postgres cannot run as root and user ${as.uid} cannot reach ${options.dataDir}: its data is kept in ${place}, linked from there`,
    );
  }
  const secrets = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-initdb-'));
  const pwfile = path.join(secrets, 'password');
  try {
    writeFileSync(pwfile, options.password ?? 'unused', { mode: 0o600 });
    if (as.uid !== undefined) for (const file of [secrets, pwfile]) chownSync(file, as.uid, as.gid);
    const method = options.password === undefined ? 'trust' : 'scram-sha-256';
    // This locale comes with Postgres, so that text sorts the same on every machine, whatever locales are installed there.
    const locale = options.native // one older than 17 has no such locale of its own
      ? ['--locale=C']
      : ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
    const args = ['-D', folder, '--encoding=UTF8', '-U', 'postgres', '-A', method, `--pwfile=${pwfile}`, ...locale];
    if (!options.durable) args.push('--no-sync');
    const made = spawnSync(program(native, 'initdb'), args, { ...as, cwd: '/', env: environment(), encoding: 'utf8' });
    if (made.status !== 0) throw new Error(`initdb failed: ${made.error?.message ?? made.stderr.trim()}`);
    if (options.host) appendFileSync(path.join(folder, 'pg_hba.conf'), `host all all samehost ${method}\n`);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  } finally {
    rmSync(secrets, { recursive: true, force: true });
  }
  // The folder gets this name when it is complete, so that a folder of this name never lacks a part.
  if (existsSync(place)) rmdirSync(place); // Fails unless it is empty: it may hold somebody's files.
  renameSync(folder, place);
  return place;
}

function refuseOtherVersion(native: string, dataDir: string): void {
  const data = readFileSync(path.join(dataDir, 'PG_VERSION'), 'utf8').trim();
  const { stdout } = spawnSync(program(native, 'postgres'), ['--version'], { cwd: '/', encoding: 'utf8' });
  const ours = /(\d+)(\.|beta|rc|devel)/.exec(stdout)?.[1];
  if (ours && data !== ours)
    throw new Error(`${dataDir} was made by Postgres ${data}, this is ${ours}. Remedy: move it away, or set DATA_DIR`);
}

/** Stops a server on this data that an earlier start left running. A process that only has the same id is left alone. */
export async function stopLeftOver(dataDir: string): Promise<void> {
  const file = path.join(dataDir, 'postmaster.pid');
  const pid = existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : 0;
  if (!pid) return;
  if (!serves(pid, dataDir)) return rmSync(file, { force: true });
  signal(pid, 'SIGINT');
  for (let waited = 0; serves(pid, dataDir); waited += 20) {
    if (waited >= 15_000)
      throw new Error(`Postgres, process ${pid}, left over from an earlier start, does not stop. Remedy: kill ${pid}`);
    await delay(20);
  }
}

function serves(pid: number, dataDir: string): boolean {
  if (process.platform === 'win32') return false; // Postgres itself decides there
  const ps = spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
  let command = ps.stdout ?? '';
  if (ps.error && existsSync(`/proc/${pid}/cmdline`))
    command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  return command.includes('postgres') && command.includes(` ${dataDir} `);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return;
    throw new Error(
      `Postgres, process ${pid}, left over from another user's start, holds the data. Remedy: stop it as that user, or set DATA_DIR`,
      { cause: error },
    );
  }
}

function launch(native: string, dataDir: string, as: RunAs, port: number, options: PostgresOptions): ChildProcess {
  const settings = {
    listen_addresses: options.host ?? loopback,
    unix_socket_directories: '',
    max_connections: 200,
    timezone: 'UTC',
    log_timezone: 'UTC',
    ...(options.durable ? {} : { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
  };
  const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const log = openSync(logFile(dataDir, options), 'a', 0o600);
  // Detached: the terminal's Ctrl-C does not reach the server. The command that runs it stops it last.
  const child = spawn(program(native, 'postgres'), ['-D', dataDir, '-p', String(port), ...args], {
    ...as,
    cwd: '/',
    env: environment(),
    detached: true,
    stdio: ['ignore', log, log],
    windowsHide: true,
  });
  closeSync(log);
  if (child.pid) cleanUpLater({ do: 'watch', pid: child.pid, signal: stopSignal(options), graceMs: 15_000 });
  child.unref();
  return child;
}

function logFile(dataDir: string, options: PostgresOptions): string {
  return options.logFile ?? path.join(dataDir, 'server.log');
}

/** SIGINT ends all sessions and closes the data. SIGQUIT stops at once, for data that nobody reads again. */
function stopSignal(options: PostgresOptions): NodeJS.Signals {
  return options.durable ? 'SIGINT' : 'SIGQUIT';
}

function environment(): NodeJS.ProcessEnv {
  // PG* variables of the user would change what the server and initdb do, so they are left out.
  const { PATH, SystemRoot } = process.env;
  return { PATH, ...(SystemRoot ? { SystemRoot } : {}), LC_ALL: 'C', TZ: 'UTC' };
}

/** Resolves when the server takes connections, with undefined, or when it has failed, with the reason. */
async function untilReady(child: ChildProcess, dataDir: string, options: PostgresOptions): Promise<string | undefined> {
  const failures: string[] = [];
  child.once('error', (error) => failures.push(error.message));
  child.once('exit', (code, by) => failures.push(`ended with ${by ?? code}: ${lastLines(logFile(dataDir, options))}`));
  const pidFile = path.join(dataDir, 'postmaster.pid');
  for (let waited = 0; waited < 60_000 && failures.length === 0; waited += 10) {
    const lines = existsSync(pidFile) ? readFileSync(pidFile, 'utf8').split('\n') : [];
    // pg_ctl waits for the same line.
    if (lines[0] === String(child.pid) && /^(ready|standby)/.test(lines[7] ?? '')) return undefined;
    await delay(10);
  }
  if (failures.length === 0) child.kill(stopSignal(options));
  return failures[0] ?? `not ready after a minute: ${lastLines(logFile(dataDir, options))}`;
}

/** Of the end of a log, which is too long to be read as a whole after years. */
function lastLines(file: string): string {
  const log = openSync(file, 'r');
  try {
    const end = Buffer.alloc(16_384);
    const length = readSync(log, end, 0, end.length, Math.max(0, fstatSync(log).size - end.length));
    return end.toString('utf8', 0, length).trim().split('\n').slice(-4).join(' / ');
  } finally {
    closeSync(log);
  }
}

function running(child: ChildProcess, port: number, dataDir: string, options: PostgresOptions): Postgres {
  const { pid } = child;
  const exited = new Promise<void>((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  }).then(() => cleanUpLater({ do: 'forget', pid: pid! }));
  return {
    port,
    dataDir,
    exited,
    url(database, user = 'postgres', password = options.password ?? 'unused') {
      return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${options.host ?? loopback}:${port}/${database}`;
    },
    async stop() {
      child.ref();
      child.kill(stopSignal(options));
      const kill = setTimeout(() => child.kill('SIGKILL'), 15_000);
      await exited;
      clearTimeout(kill);
      if (options.durable) return;
      rmSync(dataDir, { recursive: true, force: true });
      rmSync(options.dataDir, { recursive: true, force: true });
    },
  };
}

export { freePort } from './ports.mjs';
