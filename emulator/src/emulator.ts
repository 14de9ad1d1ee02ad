import type { Server } from 'node:http';
import { Controls } from './control/controls.ts';
import { answerControl } from './control/routes.ts';
import { AwsServices } from './http/aws-services.ts';
import { listen, portOf } from './http/server.ts';
import { ChatServer } from './messaging/chat-server.ts';
import { createSeed } from './seed/seed.ts';
import { Persistence } from './state/persistence.ts';
import { AWS_REGIONS, DEFAULT_PORT, type EmulatorOptions, isLoopback } from './options.ts';

/**
 * Amazon IVS Real-Time and IVS Chat on this machine. It is not AWS.
 *
 *     const ivs = await Emulator.start({ port: 0 });
 *     const client = new IVSRealTimeClient({ endpoint: ivs.url, … });
 *     await ivs.stop();
 */
export class Emulator extends Controls implements AsyncDisposable {
  readonly #aws: AwsServices;
  readonly #chat: ChatServer;
  readonly #host: string;
  readonly #persistence: Persistence | undefined;
  #server: Server | undefined;

  private constructor(options: EmulatorOptions) {
    super(options);
    const { world, credentials, faultList: faults, calls: journal } = this;
    this.#host = options.host ?? '127.0.0.1';
    this.#persistence = options.data === undefined ? undefined : new Persistence(options.data, world, credentials);
    this.#chat = new ChatServer(world, faults, journal, () => this.changed());
    this.#aws = new AwsServices(
      { world, credentials, faults, journal, changed: () => this.changed() },
      {
        allowUnsigned: options.allowUnsigned ?? false,
        defaultRegion: options.defaultRegion ?? 'us-east-1',
        regions: options.regions ?? AWS_REGIONS,
        roles: options.roles ?? [],
        checkOutputs: options.checkOutputs ?? false,
      },
    );
  }

  /** Starts an emulator and waits until it listens. */
  static async start(options: EmulatorOptions = {}): Promise<Emulator> {
    const host = options.host ?? '127.0.0.1';
    if (!isLoopback(host) && !options.allowRemote) {
      throw new Error(
        `the emulator does not listen on ${host}: everybody who can reach that address could use it. Set allowRemote to allow it.`,
      );
    }
    const emulator = new Emulator(options);
    const restored = emulator.#persistence?.load() ?? false;
    if (options.seed !== undefined && !restored) await createSeed(options.seed, emulator.world);
    const control: Parameters<typeof listen>[0]['control'] = (request, body) => answerControl(emulator, request, body);
    const parts = { aws: emulator.#aws, chat: emulator.#chat, control };
    emulator.#server = await listen(parts, host, options.port ?? DEFAULT_PORT);
    return emulator;
  }

  get port(): number {
    if (!this.#server) throw new Error('the emulator has stopped');
    return portOf(this.#server);
  }

  /** The endpoint for clients of IVS Real-Time, IVS Chat and STS, without a slash at the end. */
  get url(): string {
    return `http://${this.#authority}`;
  }

  /** The value for the `regionOrUrl` of the official chat client. */
  get chatUrl(): string {
    return `ws://${this.#authority}`;
  }

  get #authority(): string {
    const host = this.#host.includes(':') ? `[${this.#host}]` : this.#host;
    return `${host}:${this.port}`;
  }

  /** Writes what is not on disk yet, closes every connection and stops listening. */
  async stop(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = undefined;
    this.#chat.stop();
    this.world.schedule.stop();
    this.world.events.stop();
    await this.world.chatLogs.flush();
    this.#persistence?.stop();
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  }

  protected override changed(): void {
    this.#persistence?.saveSoon();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
