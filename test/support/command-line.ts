import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Json } from './stagedoor.ts';
import { until } from './until.ts';

/** The built command line. */
export const bin = path.resolve(import.meta.dirname, '../../cli/dist/bin.js');

/** How a run ended. */
export interface Ended {
  /** The exit code; null after a signal. */
  code: number | null;
  out: string;
  err: string;
  /** The standard output as JSON; an empty object if it is none. */
  json: Json;
}

/** A run of the built command line as a process of its own. No terminal is there. */
export class Run {
  out = '';
  err = '';
  readonly ended: Promise<Ended>;

  constructor(
    readonly child: ChildProcess,
    input: string,
  ) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (this.out += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (this.err += text));
    child.stdin?.on('error', () => undefined); // it may end without reading its input
    child.stdin?.end(input);
    this.ended = new Promise((resolve) =>
      child.once('close', (code) => resolve({ code, out: this.out, err: this.err, json: jsonOf(this.out) })),
    );
  }

  /** Waits until the standard output has a text. */
  async prints(text: string): Promise<void> {
    await until(() => this.out.includes(text), `it prints ${text}`);
  }
}

/** The command line with a home folder of its own, and an environment that has nothing else. */
export class CommandLine {
  readonly home = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-cli-'));

  /** @param patience `--patience` of commands that say nothing else: on a busy machine the service answers 503 now and then. */
  constructor(
    public env: Record<string, string> = {},
    private readonly patience?: number,
  ) {}

  start(args: string[], { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}): Run {
    const patient =
      this.patience === undefined || args.includes('--patience') ? [] : ['--patience', `${this.patience}`];
    const child = spawn(process.execPath, [bin, ...args, ...patient], {
      cwd: this.home,
      env: { ...this.environment, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Run(child, input);
  }

  /** Runs a command to its end, whatever that is. */
  async run(args: string[], more: { env?: Record<string, string>; input?: string } = {}): Promise<Ended> {
    return await this.start(args, more).ended;
  }

  /** Runs a command that must succeed, with `--json`. Returns its answer. */
  async json(...args: string[]): Promise<Json> {
    const ended = await this.run([...args, '--json']);
    if (ended.code !== 0) throw new Error(`stagedoor ${args.join(' ')} ended with ${ended.code}: ${ended.err}`);
    return ended.json;
  }

  /** Runs a command of a shell, in which `stagedoor` is the command line. */
  async shell(text: string, env: Record<string, string> = {}): Promise<Ended> {
    const script = `stagedoor() { '${process.execPath}' '${bin}' "$@" ${this.patience === undefined ? '' : `--patience ${this.patience}`}; }\n${text}`;
    const options = { cwd: this.home, env: { ...this.environment, ...env } };
    return await new Run(spawn('bash', ['-o', 'pipefail', '-c', script], { ...options, stdio: 'pipe' }), '').ended;
  }

  /** Starts a command in a terminal of its own, by `script` of util-linux. Its two outputs are one there. */
  terminal(args: string[], env: Record<string, string> = {}): ChildProcess {
    const line = [process.execPath, bin, ...args].map((word) => `'${word}'`).join(' ');
    return spawn('script', ['-qec', line, '/dev/null'], {
      cwd: this.home,
      env: { ...this.environment, TERM: 'xterm-256color', ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }

  remove(): void {
    rmSync(this.home, { recursive: true, force: true });
  }

  private get environment(): Record<string, string> {
    return { PATH: process.env['PATH'] ?? '', HOME: this.home, XDG_CONFIG_HOME: this.home, ...this.env };
  }
}

function jsonOf(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return {};
  }
}
