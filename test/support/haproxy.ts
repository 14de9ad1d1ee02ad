/** A real HAProxy that checks which servers are ready, where the machine has one (on Debian: the package haproxy). */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { freePort } from './service-process.ts';
import { until } from './until.ts';

export const haproxy = ['/usr/sbin/haproxy', '/usr/local/sbin/haproxy'].find((file) => existsSync(file));

export class HaProxy {
  private servers = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly url: string,
    private readonly checkEveryMs: number,
  ) {}

  /** @param checkEveryMs time between two checks of a server, in milliseconds. One check decides. It never sends a request twice. */
  static async start(checkEveryMs: number): Promise<HaProxy> {
    if (!haproxy) throw new Error('HAProxy is not installed. Remedy: apt-get install haproxy');
    const port = await freePort();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'stagedoor-haproxy-'));
    const file = path.join(folder, 'haproxy.cfg');
    await writeFile(
      file,
      `global
  stats socket ${path.join(folder, 'socket')} level admin
defaults
  mode http
  timeout connect 2s
  timeout client 60s
  timeout server 60s
  timeout check 2s
  retries 0
frontend api
  bind 127.0.0.1:${port}
  default_backend replicas
backend replicas
  balance roundrobin
  option httpchk GET /health/ready
  http-reuse safe
`,
    );
    const child = spawn(haproxy, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (part: string) => (told += part));
    const started = new HaProxy(child, folder, `http://127.0.0.1:${port}`, checkEveryMs);
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`HAProxy has ended:\n${told}`);
      return await started.say('show info').then(
        () => true,
        () => false,
      );
    }, 'HAProxy listens');
    return started;
  }

  /** Adds a server, which gets requests once it is ready. */
  async add(url: string): Promise<void> {
    const name = `replicas/replica${++this.servers}`;
    const check = `check inter ${this.checkEveryMs}ms fall 1 rise 1`;
    const answers = await this.say(
      `add server ${name} ${new URL(url).host} ${check}; enable health ${name}; enable server ${name}`,
    );
    if (!answers.includes('New server registered')) throw new Error(`HAProxy says: ${answers}`);
  }

  /** How many servers get requests. */
  async readyServers(): Promise<number> {
    const lines = (await this.say('show stat')).split('\n').filter((line) => line.startsWith('replicas,replica'));
    return lines.filter((line) => line.split(',')[17] === 'UP').length;
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGKILL');
    await ended;
    await rm(this.folder, { recursive: true });
  }

  /** Sends commands to its socket, and returns what it answers. */
  private async say(commands: string): Promise<string> {
    const socket = net.connect(path.join(this.folder, 'socket'));
    socket.write(`${commands}\n`);
    return await text(socket);
  }
}
