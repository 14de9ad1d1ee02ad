/** The processes `npm start` runs: their logs go to files, their warnings to the terminal, and none outlives it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, renameSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { keep } from './keep.ts';

const STOP_GRACE_MS = 15_000;

export interface Child {
  name: string;
  logFile: string;
  /** How it ended, once it has. */
  exited: Promise<string>;
  stop(): Promise<void>;
}

/** What has been started, and its end: the last first, whatever ends it. */
export class Running {
  readonly #children: Child[] = [];
  readonly #after: (() => void)[] = [];
  #ending: Promise<void> | undefined;

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** From now on this child is stopped with the rest, and takes the rest with it if it ends by itself. */
  add<T extends Child>(child: T): T {
    this.#children.push(child);
    void child.exited.then(async (how) => {
      if (this.isEnding) return;
      console.error(`\n${child.name} ${how}; stopping the rest. Its log: ${child.logFile}`);
      await this.end(1);
    });
    return child;
  }

  /** Has something done after everything has stopped. */
  afterwards(work: () => void): void {
    this.#after.push(work);
  }

  /** Stops everything, then this process. */
  async end(exitCode: number): Promise<void> {
    this.#ending ??= (async () => {
      for (const child of [...this.#children].reverse()) await child.stop();
      for (const work of this.#after) work();
      process.exit(exitCode);
    })();
    await this.#ending;
  }
}

/** Starts a Node program of ours. Its log goes to `logFile`; the last start's is kept beside it. */
export function startNode(name: string, args: string[], env: NodeJS.ProcessEnv, logFile: string): Child {
  if (existsSync(logFile)) renameSync(logFile, logFile.replace(/\.log$/, '.previous.log'));
  const log = createWriteStream(logFile, { mode: 0o600 });
  // Detached: a Ctrl-C in the terminal is for npm start, which stops its processes in an order that loses nothing.
  const child = spawn(process.execPath, args, {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    windowsHide: true,
  });
  if (child.pid) keep({ do: 'watch', pid: child.pid, signal: 'SIGTERM', graceMs: STOP_GRACE_MS });
  relay(name, child.stdout, log, (line) => (line.startsWith('{') ? worthShowing(line) : undefined));
  relay(name, child.stderr, log, worthShowing);
  const exited = howItEnds(child).finally(() => {
    if (child.pid) keep({ do: 'forget', pid: child.pid });
    log.end();
  });
  return {
    name,
    logFile,
    exited,
    async stop() {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), STOP_GRACE_MS);
      await exited;
      clearTimeout(kill);
    },
  };
}

async function howItEnds(child: ChildProcess): Promise<string> {
  return await new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with exit code ${code}`));
  });
}

function relay(name: string, stream: Readable, log: Writable, pick: (line: string) => string | undefined): void {
  createInterface({ input: stream }).on('line', (line) => {
    if (log.writable) log.write(`${line}\n`);
    const shown = pick(line);
    if (shown !== undefined) console.error(`[${name}] ${shown}`);
  });
}

const LEVELS: Record<number, string> = { 40: 'warn', 50: 'error', 60: 'fatal' };

/** What of a log line a developer wants to see: warnings and errors, and whatever is not a log line. */
function worthShowing(line: string): string | undefined {
  if (!line.startsWith('{')) return line;
  try {
    const entry = JSON.parse(line) as { level?: number; msg?: string; err?: { message?: string; stack?: string } };
    if (entry.level === undefined) return line;
    if (entry.level < 40) return undefined;
    const level = LEVELS[entry.level] ?? String(entry.level);
    return [`${level}: ${entry.msg ?? ''}`, entry.err?.stack ?? entry.err?.message].filter(Boolean).join('\n');
  } catch {
    return line;
  }
}
