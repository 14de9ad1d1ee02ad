/** The folder where `npm start` and `npm run dev` keep everything. One command uses it at a time. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { reason, UserError } from './user-error.mjs';

const PID_FILE = 'start.pid';

export class DataDir {
  readonly folder: string;
  /** Lets other commands use the folder. */
  readonly release: () => void;

  /** Takes the folder for this process; makes it if it is not there. */
  constructor(folder: string) {
    this.folder = folder;
    try {
      // When root starts Postgres, it runs as another user, who must pass this folder and read nothing in it.
      mkdirSync(folder, { recursive: true, mode: 0o711 });
      for (const part of ['secrets', 'logs']) mkdirSync(this.path(part), { recursive: true, mode: 0o700 });
      this.release = take(this.path(PID_FILE), folder);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(
        `Cannot write in ${folder} (${reason(error)}). Remedy: set DATA_DIR to a folder that you may write in`,
      );
    }
  }

  /** Connection string of the owner of the database, if a running command serves it from this folder. */
  static runningDatabase(folder: string): string | undefined {
    const port = path.join(folder, 'postgres', 'stagedoor.port');
    const password = path.join(folder, 'secrets', 'database-owner-password');
    if (holder(path.join(folder, PID_FILE)) === undefined || !existsSync(port) || !existsSync(password))
      return undefined;
    const secret = encodeURIComponent(readFileSync(password, 'utf8').trim());
    return `postgresql://stagedoor:${secret}@127.0.0.1:${readFileSync(port, 'utf8').trim()}/stagedoor`;
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** The secret of this name. It is made the first time and kept, and only its owner can read the file. */
  secret(name: string, make: () => string = () => randomBytes(32).toString('base64url')): string {
    const file = this.path('secrets', name);
    if (existsSync(file)) return readFileSync(file, 'utf8').trim();
    const value = make();
    writeFileSync(file, `${value}\n`, { mode: 0o600 });
    return value;
  }
}

/** Writes the pid file. Two Postgres servers on one folder would ruin it. Its time is renewed every two seconds. */
function take(file: string, folder: string): () => void {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const pid = holder(file);
    if (pid !== undefined)
      throw new UserError(
        `${folder} is in use by another npm start (process ${pid}). Remedy: stop it, or DATA_DIR=<another folder> for this command`,
      );
    rmSync(file, { force: true });
  }
  const renew = setInterval(() => utimesSync(file, new Date(), new Date()), 2_000);
  renew.unref();
  return () => {
    clearInterval(renew);
    rmSync(file, { force: true });
  };
}

/**
 * The process that holds the folder; undefined if none does. A file that nobody renews was left behind by a process that
 * was killed, even if another process has its id by now.
 */
function holder(file: string): number | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined || Date.now() - found.mtimeMs > 15_000) return undefined;
  const pid = Number(readFileSync(file, 'utf8'));
  return isAlive(pid) ? pid : undefined;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
