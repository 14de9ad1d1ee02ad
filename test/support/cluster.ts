/** Several processes of the service on one database and one IVS, to be killed, stopped and set wrong. */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import type { Emulator } from '../../emulator/src/emulator.ts';
import type { EmulatorOptions } from '../../emulator/src/options.ts';
import { freePort } from '../../dev/ports.mjs';
import { createDatabase, type TestDatabase } from './database.ts';
import { startEmulator } from './emulator.ts';
import type { Outage } from './outage.ts';
import { readLines, secretSearch } from './secret-search.ts';
import { databaseWasTooSlow, HttpClient, Stagedoor } from './stagedoor.ts';
import { until } from './until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const runTypescript = path.join(root, 'dev/run-typescript.mjs');
const shiftedClock = path.join(root, 'test/support/shifted-clock.mjs');

/** One process of the service. */
export class Service extends HttpClient {
  readonly ended: Promise<void>;
  private output = '';

  private constructor(
    url: string,
    readonly child: ChildProcess,
    /** A replica whose clock is wrong is never ready. */
    private readonly health: 'ready' | 'live',
  ) {
    super(url);
    this.ended = new Promise((resolve) => child.once('exit', () => resolve()));
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.output = (this.output + text).slice(-5_000)));
      if (stream) readLines(stream, (lines) => secretSearch.read('the output of a process', lines));
    }
  }

  /** Starts a process, and starts it again if its database was too slow, as an orchestrator does. */
  static async start(env: Record<string, string>, source = root): Promise<Service> {
    for (let tries = 1; ; tries++) {
      const service = await Service.spawn(env, source);
      const failure = await until(() => service.serves(), 'the service is ready').then(
        () => undefined,
        (error: unknown) => new Error(`${String(error)}\n${service.output}`),
      );
      if (!failure) return service;
      await service.kill();
      if (tries === 5 || !databaseWasTooSlow(service.output)) throw failure;
    }
  }

  private static async spawn(env: Record<string, string>, source: string): Promise<Service> {
    const port = await freePort();
    const imports = [runTypescript, ...(env['CLOCK_SHIFT_SECONDS'] === undefined ? [] : [shiftedClock])];
    const args = [...imports.flatMap((file) => ['--import', file]), path.join(source, 'src/main.ts')];
    const child = spawn(process.execPath, args, {
      env: { PATH: process.env['PATH'] ?? '', ...env, PORT: String(port), HOST: '127.0.0.1' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new Service(`http://127.0.0.1:${port}`, child, env['CLOCK_SHIFT_SECONDS'] === undefined ? 'ready' : 'live');
  }

  /** What it has written, the last 5,000 characters of it. */
  get logged(): string {
    return this.output;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get hasEnded(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Ends it as a power failure does. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  private async serves(): Promise<boolean> {
    if (this.hasEnded) throw new Error(`the service has ended:\n${this.output}`);
    return await this.get(`/health/${this.health}`).then(
      ({ status }) => status === 200,
      () => false,
    );
  }
}

/** The processes, and what they share. */
export class Cluster {
  readonly services: Service[] = [];

  private constructor(
    readonly ivs: Emulator,
    readonly database: TestDatabase,
    private readonly env: Record<string, string>,
  ) {}

  /**
   * @param outage the line to Postgres, if the test cuts it.
   * @param prepared a database that the test has prepared.
   */
  static async start(
    replicas: number,
    emulator: EmulatorOptions = {},
    outage?: Outage,
    prepared?: TestDatabase,
  ): Promise<Cluster> {
    const ivs = await startEmulator(emulator);
    const database = prepared ?? (await createDatabase());
    const env = Stagedoor.environment(ivs, database, {
      STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
      VENDS_PER_USER_PER_MINUTE: '10000',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      LOG_LEVEL: 'info', // as in production
      ...(outage && { DATABASE_URL: await outage.reroute(database) }),
    });
    const cluster = new Cluster(ivs, database, env);
    await Promise.all(Array.from({ length: replicas }, () => cluster.add()));
    return cluster;
  }

  /**
   * Starts one more process, which may be set up differently.
   * @param source folder of the code, if it is that of another release.
   */
  async add(env: Record<string, string> = {}, source?: string): Promise<Service> {
    const service = await Service.start({ ...this.env, ...env }, source);
    this.services.push(service);
    return service;
  }

  /** The nth of those that run, over and over. */
  at(n: number): Service {
    const running = this.services.filter((service) => !service.hasEnded);
    const service = running[n % running.length];
    if (!service) throw new Error('no service runs');
    return service;
  }

  async stop(): Promise<void> {
    await Promise.all(this.services.map((service) => service.kill()));
    await this.ivs.stop();
    await this.database.drop();
  }
}
