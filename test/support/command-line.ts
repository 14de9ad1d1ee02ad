import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
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

/** Time after which a process that has nothing to do ends, in milliseconds. */
const idleMs = 5_000;

/** Processes that run one command after the other (command-line-host.mjs). */
class Hosts {
  private readonly idle: ChildProcess[] = [];

  /** Runs a command where there is a process without work, or in a new one. */
  async run(command: { args: string[]; env: Record<string, string>; cwd: string; input: string }): Promise<Ended> {
    const host = this.idle.pop() ?? start();
    const answer = await new Promise<Omit<Ended, 'json'>>((resolve, reject) => {
      host.once('message', resolve).once('exit', (code) => reject(new Error(`the command ended its process: ${code}`)));
      host.send(command);
    });
    for (const event of ['message', 'exit']) host.removeAllListeners(event);
    this.idle.push(host);
    setTimeout(() => this.endIdle(host), idleMs).unref();
    return { ...answer, json: jsonOf(answer.out) };
  }

  private endIdle(host: ChildProcess): void {
    const at = this.idle.indexOf(host);
    if (at >= 0) this.idle.splice(at, 1)[0]?.kill();
  }
}

function start(): ChildProcess {
  const host = fork(path.join(import.meta.dirname, 'command-line-host.mjs'), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  // It ends with this process, and does not hold it up.
  host.unref();
  host.channel?.unref();
  return host;
}

const hosts = new Hosts();

/** The command line with a home folder of its own, and an environment that has nothing else. */
export class CommandLine {
  readonly home = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-cli-'));

  /** @param patience `--patience` of commands that say nothing else: on a busy machine the service answers 503 now and then. */
  constructor(
    public env: Record<string, string> = {},
    private readonly patience?: number,
  ) {}

  /** Starts a command as a process of its own. */
  start(args: string[], { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {}): Run {
    const child = spawn(process.execPath, [bin, ...this.patiently(args)], {
      cwd: this.home,
      env: { ...this.environment, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    return new Run(child, input);
  }

  /** Runs a command to its end, whatever that is, in a process that has run others before. */
  async run(
    args: string[],
    { env = {}, input = '' }: { env?: Record<string, string>; input?: string } = {},
  ): Promise<Ended> {
    const all = { ...this.environment, ...env };
    return await hosts.run({ args: this.patiently(args), env: all, cwd: this.home, input });
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

  /**
   * Runs an example of the help, whose last command is that of the command line. A shell reads the words and pipes the input;
   * then the command runs as those of `run` do.
   */
  async example(text: string, env: Record<string, string>): Promise<Ended> {
    const note = `stagedoor() { printf '%s\\0' "$@" >words; env -0 >variables; cat >input; }\n${text}`;
    const options = { cwd: this.home, env: { ...this.environment, ...env } };
    const shell = await new Run(spawn('bash', ['-o', 'pipefail', '-c', note], { ...options, stdio: 'pipe' }), '').ended;
    if (shell.code !== 0) return shell;
    const read = (name: string) => readFileSync(path.join(this.home, name), 'utf8');
    const listOf = (name: string) => read(name).split('\0').slice(0, -1);
    const variables = listOf('variables').map((pair): [string, string] => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    });
    return await this.run(listOf('words'), { env: Object.fromEntries(variables), input: read('input') });
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

  private patiently(args: string[]): string[] {
    if (this.patience === undefined || args.includes('--patience')) return args;
    return [...args, '--patience', `${this.patience}`];
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
