/** A real PgBouncer in transaction mode, where the machine has one (on Debian: the package pgbouncer). */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort } from './service-process.ts';
import { until } from './until.ts';

/** The program. PGBOUNCER names another one, to test another version. */
export const pgbouncer = [process.env['PGBOUNCER'] ?? '', '/usr/sbin/pgbouncer'].find((file) => existsSync(file));

export class PgBouncer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    /** The address of the database through PgBouncer. */
    readonly url: string,
  ) {}

  /**
   * Starts it in front of a database.
   * @param connections how many it opens to Postgres: fewer than the service opens to it, so that they change hands.
   */
  static async start(databaseUrl: string, connections: number, settings: string[] = []): Promise<PgBouncer> {
    if (!pgbouncer) throw new Error('PgBouncer is not installed. Remedy: look at .ci/run');
    const { hostname, port, username, password, pathname } = new URL(databaseUrl);
    const listens = await freePort();
    const folder = await mkdtemp(path.join(os.tmpdir(), 'stagedoor-pgbouncer-'));
    const file = path.join(folder, 'pgbouncer.ini');
    await writeFile(
      file,
      [
        '[databases]',
        `${pathname.slice(1)} = host=${hostname} port=${port} user=${username} password=${password}`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${listens}`,
        'unix_socket_dir =',
        'auth_type = any',
        'pool_mode = transaction',
        `default_pool_size = ${connections}`,
        ...settings,
        '',
      ].join('\n'),
    );
    // PgBouncer does not run as root.
    await Promise.all([chmod(folder, 0o755), chmod(file, 0o644)]);
    const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const child = spawn(pgbouncer, [...asUser, file], { stdio: ['ignore', 'ignore', 'pipe'] });
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const url = new URL(databaseUrl);
    url.hostname = '127.0.0.1';
    url.port = String(listens);
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`PgBouncer has ended:\n${told}`);
      return await listensAt(listens);
    }, 'PgBouncer listens');
    return new PgBouncer(child, folder, url.href);
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGKILL');
    await ended;
    await rm(this.folder, { recursive: true });
  }
}

async function listensAt(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1');
  return await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
  }).finally(() => socket.destroy());
}
