import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { readLines, secretSearch } from './secret-search.ts';
import { until } from './until.ts';

const root = path.resolve(import.meta.dirname, '../..');

/** A program of the build, run as the container runs it: with this environment and nothing else. */
export class ServiceProcess {
  output = '';
  /** The exit code, once it has ended; null after a signal. */
  readonly ended: Promise<number | null>;

  private constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
      if (stream) readLines(stream, (lines) => secretSearch.read('the output of a process', lines));
    }
    this.ended = new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  /**
   * @param script relative to the project, such as `dist/main.js`, or absolute.
   * @param before a command that starts the program, with its arguments behind.
   */
  static start(
    script: string,
    env: Record<string, string>,
    args: string[] = [],
    before: string[] = [],
  ): ServiceProcess {
    const node = [process.execPath, '--enable-source-maps', path.resolve(root, script), ...args];
    const [command = '', ...words] = [...before, ...node];
    const child = spawn(command, words, {
      cwd: root,
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new ServiceProcess(child);
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.child.kill(signal);
  }

  /** Waits until an address answers 200. */
  async answers(url: string): Promise<void> {
    let over = false;
    void this.ended.then(() => (over = true));
    await until(async () => {
      if (over) throw new Error(`it ended before it answered:\n${this.output}`);
      return (await fetch(url).catch(() => undefined))?.ok === true;
    }, `${url} answers`);
  }
}

/** Starts a program that cannot write to the file system, as a container with a read-only root; nothing, where the machine cannot. */
export function readOnlyRoot(): string[] {
  const command = ['unshare', '--mount', 'sh', '-c', 'mount -o remount,bind,ro / && exec "$@"', 'sh'];
  const [first, ...rest] = [...command, 'sh', '-c', `! touch '${os.tmpdir()}/stagedoor-writes' 2>/dev/null`];
  return spawnSync(first, rest).status === 0 ? command : [];
}

/** A port nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
