/** The service of `npm run dev`: it restarts from the sources when one of them changes. */
import { type FSWatcher, watch } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { type Child, type NodeChild, rotateLog, startNode } from './children.ts';
import { migrate, type MigrateCommand } from './migrating.ts';
import { run } from './prepare/commands.mjs';
import { answersOk, type ServiceContext } from './serve.ts';
import { at, demoPage, root } from './settings.ts';
import { reason } from './user-error.mjs';

/** Editors write a file in several steps. A restart begins when so much time has passed without a further step. */
const SETTLE_MS = 40;

/** What a restart grants the old process. The service loses nothing when it is killed, so this is short. */
const STOP_GRACE_MS = 500;

export class ServiceInDevelopment implements Child {
  readonly name = 'service';
  readonly logFile: string;
  readonly exited: Promise<string>;
  readonly #context: ServiceContext;
  readonly #migrateCommand: MigrateCommand;
  readonly #changed = new Set<string>();
  readonly #watchers: FSWatcher[] = [];
  #current: NodeChild | undefined;
  #standby: NodeChild | undefined;
  #timer: NodeJS.Timeout | undefined;
  #restarting: Promise<void> | undefined;
  /** What is to be done before the next start. It stays so until it has succeeded. */
  readonly #due = { generate: false, migrate: false };
  #isStopping = false;
  #resolveExited!: (how: string) => void;

  constructor(context: ServiceContext, migrateCommand: MigrateCommand) {
    this.#context = context;
    this.#migrateCommand = migrateCommand;
    this.logFile = rotateLog(context.logFile);
    this.exited = new Promise((resolve) => (this.#resolveExited = resolve));
  }

  /** Resolves when the service is ready. A service that fails at first is started again after each change. */
  async start(): Promise<void> {
    for (const folder of ['src', 'prisma']) {
      const onChange = (_event: string, file: string | null) => this.#onChange(path.join(folder, file ?? ''));
      this.#watchers.push(watch(at(folder), { recursive: true }, onChange));
    }
    this.#startStandby();
    let isReady = await this.#replace();
    while (!isReady && !this.#isStopping) {
      await delay(50);
      isReady = this.#restarting === undefined && this.#current !== undefined;
    }
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    clearTimeout(this.#timer);
    for (const watcher of this.#watchers) watcher.close();
    await Promise.all([this.#standby?.stop(), this.#current?.stop()]);
    this.#resolveExited('was stopped');
  }

  #onChange(file: string): void {
    if (!isSource(file) || this.#isStopping) return;
    this.#changed.add(file);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#restart(), SETTLE_MS);
  }

  /** Restarts; further changes meanwhile lead to one more restart. */
  #restart(): void {
    this.#restarting ??= (async () => {
      while (this.#changed.size > 0 && !this.#isStopping) await this.#restartOnce();
      this.#restarting = undefined;
    })();
  }

  async #restartOnce(): Promise<void> {
    const since = performance.now();
    const files = [...this.#changed];
    this.#changed.clear();
    console.error(`\n${describe(files)} changed: restarting the service …`);
    this.#due.generate ||= files.includes(path.join('prisma', 'schema.prisma'));
    this.#due.migrate ||= files.some((file) => file.endsWith('.sql'));
    try {
      if (this.#due.generate) await run([process.execPath, at('dev/run.mjs'), '--needs=generated']);
      this.#due.generate = false;
      if (this.#due.migrate) await this.#migrate();
      this.#due.migrate = false;
    } catch (error) {
      console.error(`${reason(error)}\nThe service runs on as it was.`);
      return;
    }
    if (await this.#replace())
      console.error(`The service is ready again after ${((performance.now() - since) / 1000).toFixed(1)} s.`);
  }

  async #migrate(): Promise<void> {
    const { ownerUrl, embedded } = this.#context.database;
    if (ownerUrl) console.error(await migrate(ownerUrl, this.#migrateCommand, embedded !== undefined));
    else console.error('The database is not migrated: DATABASE_OWNER_URL is not set.');
  }

  /** Puts the standby in the place of the current process. Returns whether it became ready. */
  async #replace(): Promise<boolean> {
    const old = this.#current;
    this.#current = undefined;
    await old?.stop(STOP_GRACE_MS);
    const next = this.#standby ?? this.#startStandby();
    this.#standby = undefined;
    next.send('start');
    const isReady = await this.#untilReady(next);
    if (this.#isStopping) {
      await next.stop();
      return false;
    }
    if (isReady) {
      this.#current = next;
      void this.#reportEnd(next);
    } else {
      await next.stop(STOP_GRACE_MS);
      console.error('The service did not start. It is started again when a file changes.');
    }
    this.#startStandby();
    return isReady;
  }

  #startStandby(): NodeChild {
    const { env } = this.#context;
    const args = ['--enable-source-maps', '--disable-warning=ExperimentalWarning'];
    args.push('--import', at('dev/run-typescript.mjs'), ...demoPage, at('dev/standby.mjs'));
    this.#standby = startNode({ name: 'service', args, env, logFile: this.logFile, ipc: true });
    return this.#standby;
  }

  async #untilReady(child: NodeChild): Promise<boolean> {
    const end = { hasCome: false };
    void child.exited.then(() => (end.hasCome = true));
    // A further change ends the wait, because this process runs the sources of before.
    while (!end.hasCome && !this.#isStopping && this.#changed.size === 0) {
      if (await answersOk(this.#context.readyUrl).catch(() => false)) return true;
      await delay(20);
    }
    return false;
  }

  async #reportEnd(child: NodeChild): Promise<void> {
    const how = await child.exited;
    if (this.#current !== child || this.#isStopping) return;
    this.#current = undefined;
    console.error(`\nThe service ${how}. It is started again when a file changes. Its log: ${this.logFile}`);
  }
}

/** Whether the service is made from this file. The generated database client changes with prisma/schema.prisma only. */
function isSource(file: string): boolean {
  if (file.startsWith(path.join('src', 'database', 'generated'))) return false;
  return /\.(ts|sql|prisma)$/.test(file) && !file.endsWith('.test.ts');
}

function describe(files: string[]): string {
  const [first = '', ...rest] = files.map((file) => path.relative(root, at(file)));
  return rest.length === 0 ? first : `${first} and ${rest.length} more`;
}
