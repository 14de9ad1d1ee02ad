/** The processes of `npm start` and `npm run dev`. Logs go to files, warnings to the terminal. No process outlives the command. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, existsSync, renameSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

import { cleanUpLater } from './clean-up.ts';

const STOP_GRACE_MS = 15_000;

export interface Child {
  name: string;
  logFile: string;
  /** Resolves when the child has ended: how it ended. */
  exited: Promise<string>;
  stop(): Promise<void>;
}

/** A Node program that was started here. */
export interface NodeChild extends Child {
  /** Sends a message; only for a child with `ipc`. */
  send(message: string): void;
  /** Asks the child to end, and kills it if it has not ended after `graceMs`. */
  stop(graceMs?: number): Promise<void>;
}

/** The children of this command. It ends them all together, the last one first. */
export class Running {
  readonly #children: Child[] = [];
  readonly #after: (() => void)[] = [];
  #ending: Promise<void> | undefined;

  get isEnding(): boolean {
    return this.#ending !== undefined;
  }

  /** Adds a child that is stopped with the others. If it ends by itself, the others are stopped. */
  add<T extends Child>(child: T): T {
    this.#children.push(child);
    void child.exited.then(async (how) => {
      if (this.isEnding) return;
      console.error(`\n${child.name} ${how}; stopping the rest. Its log: ${child.logFile}`);
      await this.end(1);
    });
    return child;
  }

  /** Registers work that is done after all children have stopped. */
  afterwards(work: () => void): void {
    this.#after.push(work);
  }

  /** Stops all children, then this process. */
  async end(exitCode: number): Promise<void> {
    this.#ending ??= (async () => {
      for (const child of [...this.#children].reverse()) await child.stop();
      for (const work of this.#after) work();
      process.exit(exitCode);
    })();
    await this.#ending;
  }
}

export interface NodeProgram {
  name: string;
  /** What follows `node` on its command line. */
  args: string[];
  env: NodeJS.ProcessEnv;
  logFile: string;
  /** Whether it takes messages. */
  ipc?: boolean;
}

/** Starts a Node program. Its output is appended to `logFile`. */
export function startNode({ name, args, env, logFile, ipc = false }: NodeProgram): NodeChild {
  const log = createWriteStream(logFile, { mode: 0o600, flags: 'a' });
  // Detached: Ctrl-C in the terminal reaches npm start alone, which stops its children in an order that loses nothing.
  const child = spawn(process.execPath, args, {
    env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    windowsHide: true,
  });
  if (child.pid) cleanUpLater({ do: 'watch', pid: child.pid, signal: 'SIGTERM', graceMs: STOP_GRACE_MS });
  relay(name, child.stdout!, log, (line) => (line.startsWith('{') ? worthShowing(line) : undefined));
  relay(name, child.stderr!, log, worthShowing);
  const exited = howItEnds(child).finally(() => {
    if (child.pid) cleanUpLater({ do: 'forget', pid: child.pid });
    log.end();
  });
  return {
    name,
    logFile,
    exited,
    send: (message) => void child.send(message, () => {}), // a child that has ended takes no message
    async stop(graceMs = STOP_GRACE_MS) {
      child.kill('SIGTERM');
      const kill = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(kill);
    },
  };
}

/** Makes room for a new log. The log of the start before is kept beside it. */
export function rotateLog(logFile: string): string {
  if (existsSync(logFile)) renameSync(logFile, logFile.replace(/\.log$/, '.previous.log'));
  return logFile;
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

/** What a developer sees of a log line: warnings and errors, and all that is not a log line. */
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
