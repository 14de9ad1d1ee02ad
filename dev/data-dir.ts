/** The folder where `npm start` keeps everything: one start at a time, secrets for its owner's eyes only. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import { reason, UserError } from './user-error.mjs';

export class DataDir {
  readonly folder: string;
  /** Ends the claim on the folder. */
  readonly release: () => void;

  /** Claims the folder, making it if it is not there. */
  constructor(folder: string) {
    this.folder = folder;
    try {
      // Started by root, Postgres runs as another user, who has to pass this folder, and nothing more.
      mkdirSync(folder, { recursive: true, mode: 0o711 });
      for (const part of ['secrets', 'logs']) mkdirSync(this.path(part), { recursive: true, mode: 0o700 });
      this.release = claim(this.path('start.pid'), folder);
    } catch (error) {
      if (error instanceof UserError) throw error;
      throw new UserError(
        `Cannot write in ${folder} (${reason(error)}). Remedy: DATA_DIR=<a folder of yours> npm start`,
      );
    }
  }

  path(...parts: string[]): string {
    return path.join(this.folder, ...parts);
  }

  /** A secret of this name: the one that is kept, or, the first time, a new one. */
  secret(name: string, make: () => string = () => randomBytes(32).toString('base64url')): string {
    const file = this.path('secrets', name);
    if (existsSync(file)) return readFileSync(file, 'utf8').trim();
    const value = make();
    writeFileSync(file, `${value}\n`, { mode: 0o600 });
    return value;
  }
}

/**
 * Two servers on one folder would ruin it. The claim's time is renewed, so that one a killed start left is told from one
 * in use even after its process id was given to something else.
 */
function claim(file: string, folder: string): () => void {
  for (;;) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const holder = Number(readFileSync(file, 'utf8'));
    if (isFresh(file) && isAlive(holder))
      throw new UserError(
        `${folder} is in use by another npm start (process ${holder}). Remedy: stop it, or DATA_DIR=<another folder> npm start`,
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

function isFresh(file: string): boolean {
  const found = statSync(file, { throwIfNoEntry: false });
  return found !== undefined && Date.now() - found.mtimeMs < 15_000;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
