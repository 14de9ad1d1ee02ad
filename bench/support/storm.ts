/** A storm: thousands of clients ask at the same moment, each over a connection of its own. */
import net from 'node:net';
import { percentile } from './report.ts';

export interface StormOptions {
  /** Address of the server, such as `http://127.0.0.1:3000`. */
  url: string;
  /** The requests, one for each client. All are sent at the same moment. */
  requests: Buffer[];
  /** Longest time of the storm, in seconds. */
  seconds: number;
}

export interface StormResult {
  /** Seconds until the last client had what it asked for, or until the storm was over. */
  seconds: number;
  /** Clients that got what they asked for. */
  served: number;
  /** Milliseconds until the first answer, whatever it was. */
  first: { p50: number; p99: number; max: number };
  /** Milliseconds until a client had what it asked for. */
  whole: { p50: number; p99: number; max: number };
  /** Answers that were not 2xx: by status, and whether they said when to come back. */
  refusals: Record<string, number>;
  /** Connections that ended without an answer. */
  cut: number;
}

/** A client that was told to come back does so after the time that it was told, and asks the same again. */
export async function storm({ url, requests, seconds }: StormOptions): Promise<StormResult> {
  const { hostname, port } = new URL(url);
  const clients = requests.map((request) => new Client(hostname, Number(port), request));
  await Promise.all(clients.map((client) => client.connected));
  const start = performance.now();
  let stop: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => (stop = setTimeout(resolve, seconds * 1_000)));
  await Promise.race([Promise.all(clients.map((client) => client.ask(start))), over]);
  clearTimeout(stop);
  const elapsed = (performance.now() - start) / 1_000;
  const refusals: Record<string, number> = {};
  for (const client of clients) {
    for (const refusal of client.refusals) refusals[refusal] = (refusals[refusal] ?? 0) + 1;
    client.close();
  }
  const servedAt = clients.map((client) => client.servedAt).filter((time) => time !== undefined);
  return {
    seconds: elapsed,
    served: servedAt.length,
    first: spread(clients.map((client) => client.firstAt ?? elapsed * 1_000)),
    whole: spread(servedAt),
    refusals,
    cut: clients.filter((client) => client.wasCut).length,
  };
}

function spread(times: number[]): { p50: number; p99: number; max: number } {
  const sorted = Float64Array.from(times).sort();
  const at = (share: number) => percentile(sorted, share);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

class Client {
  readonly connected: Promise<void>;
  readonly refusals: string[] = [];
  /** Milliseconds from the begin of the storm until the first answer. */
  firstAt: number | undefined;
  /** Milliseconds from the begin of the storm until the client had what it asked for. */
  servedAt: number | undefined;
  wasCut = false;
  private readonly socket: net.Socket;
  private received: Buffer = Buffer.alloc(0);
  private isClosed = false;
  private start = 0;
  private done: (() => void) | undefined;
  private readonly request: Buffer;

  constructor(host: string, port: number, request: Buffer) {
    this.request = request;
    this.socket = net.connect({ host, port, noDelay: true });
    this.connected = new Promise((resolve, reject) => this.socket.once('connect', resolve).once('error', reject));
    this.socket.on('data', (chunk: Buffer) => this.take(chunk));
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      if (!this.isClosed && this.servedAt === undefined) this.wasCut = true;
      this.done?.();
    });
  }

  async ask(start: number): Promise<void> {
    this.start = start;
    await new Promise<void>((resolve) => {
      this.done = resolve;
      this.socket.write(this.request);
    });
  }

  close(): void {
    this.isClosed = true;
    this.socket.destroy();
  }

  private take(chunk: Buffer): void {
    this.received = this.received.length === 0 ? chunk : Buffer.concat([this.received, chunk]);
    const end = this.received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.received.toString('latin1', 0, end);
    const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
    if (this.received.length < end + 4 + length) return;
    this.received = this.received.subarray(end + 4 + length);
    this.answered(Number(head.slice(9, 12)), /retry-after: *(\d+)/i.exec(head)?.[1]);
  }

  private answered(status: number, retryAfter: string | undefined): void {
    this.firstAt ??= performance.now() - this.start;
    if (status >= 200 && status < 300) {
      this.servedAt = performance.now() - this.start;
      this.done?.();
      return;
    }
    this.refusals.push(`${status}${retryAfter === undefined ? ' without Retry-After' : ''}`);
    if (retryAfter === undefined) this.done?.();
    else setTimeout(() => this.isClosed || this.socket.write(this.request), Number(retryAfter) * 1_000);
  }
}
