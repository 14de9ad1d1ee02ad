/** Stands between a service and what it calls, counts the steps the service takes, and kills it at one of them. */
import net from 'node:net';
import type { Service } from './cluster.ts';

/** When the service dies: before its nth step is taken, or after it was and before the service learns of it. */
export interface CrashPoint {
  step: number;
  when: 'before' | 'after';
}

/** Counts steps over all connections of one service, and strikes at one. */
export class Crash {
  victim: Service | undefined;
  struck = false;
  /** What the service did, in order. */
  readonly steps: string[] = [];
  private point: CrashPoint | undefined;

  /** From now on steps count. */
  arm(point: CrashPoint | undefined): void {
    this.steps.length = 0;
    this.point = point;
  }

  /** Whether this step is the one, of those that `name` names. */
  take(name: string): CrashPoint['when'] | undefined {
    if (this.victim === undefined) return undefined;
    this.steps.push(name);
    return this.point?.step === this.steps.length ? this.point.when : undefined;
  }

  strike(): void {
    this.struck = true;
    this.victim?.child.kill('SIGKILL');
  }
}

/** Names the step that a message to the other side is, or undefined if it is none. */
type NameStep = (message: string) => string | undefined;

/** What ends in a commit: explicit ones, and the functions that are a transaction of their own. */
export const nameDatabaseStep: NameStep = (message) => {
  if (/COMMIT/.test(message)) return 'commit';
  const called = /\b(admit|admit_groups|settle|settle_groups|lease_deliveries|finish_delivery)\b/.exec(message)?.[1];
  // A lease for one action is a step of it. Leases for all actions go on in the background.
  return called === 'lease_deliveries' && !/\bact_[0-9a-z]{26}/.test(message) ? undefined : called;
};

/** Calls to IVS, but for the looks at stages that go on in the background. */
export const nameIvsStep: NameStep = (message) => {
  const path = /^POST \/(\w+)/.exec(message)?.[1];
  return path === undefined || /^(ListParticipants|GetStage|ListParticipantEvents)$/.test(path) ? undefined : path;
};

export class CrashProxy {
  private readonly server: net.Server;
  private readonly sockets = new Set<net.Socket>();

  private constructor(
    private readonly target: { host: string; port: number },
    private readonly crash: Crash,
    private readonly nameStep: NameStep,
  ) {
    this.server = net.createServer((client) => this.connect(client));
  }

  /** @param url where the other side is; `url` of the proxy is the same but for the port. */
  static async start(url: string, crash: Crash, nameStep: NameStep): Promise<{ proxy: CrashProxy; url: string }> {
    const through = new URL(url);
    const proxy = new CrashProxy({ host: through.hostname, port: Number(through.port) }, crash, nameStep);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    through.hostname = '127.0.0.1';
    through.port = String((proxy.server.address() as net.AddressInfo).port);
    return { proxy, url: through.href.replace(/\/$/, '') };
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private connect(client: net.Socket): void {
    const server = net.connect(this.target.port, this.target.host);
    let waitsForAnswer = false;
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk) => {
      const name = this.nameStep(chunk.toString('latin1'));
      const when = name === undefined ? undefined : this.crash.take(name);
      if (when === 'before') return this.crash.strike();
      if (when === 'after') waitsForAnswer = true;
      server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!waitsForAnswer) return void client.write(chunk);
      // The other side has done it: the answer does not arrive.
      this.crash.strike();
      client.destroy();
    });
  }
}
