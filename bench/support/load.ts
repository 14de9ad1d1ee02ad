/** A load generator: HTTP/1.1 over plain sockets. It costs little, because it shares the processors with what it measures. */
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { percentile } from './report.ts';

export interface LoadOptions {
  /** Address of the server, such as `http://127.0.0.1:3000`. */
  url: string;
  connections: number;
  seconds: number;
  /** Requests a second; as many as possible by default. */
  rate?: number;
  /** The bytes of the next request. */
  next: () => Buffer;
}

export interface LoadResult {
  seconds: number;
  answers: number;
  /** Answers that were not 2xx, by status. */
  others: Record<string, number>;
  perSecond: number;
  /** Of each answer: milliseconds from the time at which its request was due until its end. In the order of the answers. */
  latencies: readonly number[];
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** The bytes of a POST with a JSON body. */
export function post(path: string, bearer: string, body = '{}'): Buffer {
  return request('POST', path, bearer, body);
}

/** The bytes of a request with a JSON body. */
export function request(method: string, path: string, bearer: string, body: string): Buffer {
  const length = Buffer.byteLength(body);
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${bearer}\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\n\r\n${body}`,
  );
}

/** Sends requests for a while. With a rate, a request that a slow answer delays is measured from the time at which it was due. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const run = new Run(options);
  return await run.result();
}

class Run {
  private readonly latencies: number[] = [];
  private readonly others: Record<string, number> = {};
  private readonly idle: Connection[] = [];
  private readonly due: number[] = [];
  private readonly all: Connection[];
  private open = true;
  private readonly options: LoadOptions;

  constructor(options: LoadOptions) {
    this.options = options;
    const { hostname, port } = new URL(options.url);
    this.all = Array.from({ length: options.connections }, () => new Connection(hostname, Number(port)));
  }

  async result(): Promise<LoadResult> {
    const { rate, seconds } = this.options;
    await Promise.all(this.all.map((connection) => connection.ready));
    const start = performance.now();
    if (rate === undefined) for (const connection of this.all) this.send(connection, performance.now());
    else this.idle.push(...this.all);
    const timer = rate === undefined ? undefined : this.pace(rate, start);
    await delay(seconds * 1_000);
    this.open = false;
    clearInterval(timer);
    const elapsed = (performance.now() - start) / 1_000;
    const answers = this.latencies.length;
    for (const connection of this.all) connection.close();
    const { latencies, others } = this;
    return { ...summary(latencies), latencies, seconds: elapsed, answers, others, perSecond: answers / elapsed };
  }

  private pace(rate: number, start: number): NodeJS.Timeout {
    let asked = 0;
    return setInterval(() => {
      const now = performance.now();
      for (; asked < ((now - start) / 1_000) * rate; asked++) this.due.push(start + (asked / rate) * 1_000);
      for (let connection = this.idle.pop(); connection; connection = this.idle.pop()) {
        const at = this.due.shift();
        if (at === undefined) {
          this.idle.push(connection);
          return;
        }
        this.send(connection, at);
      }
    }, 1);
  }

  private send(connection: Connection, at: number): void {
    connection.send(this.options.next(), (status) => {
      if (!this.open) return;
      this.latencies.push(performance.now() - at);
      if (status < 200 || status > 299) this.others[status] = (this.others[status] ?? 0) + 1;
      const next = this.options.rate === undefined ? performance.now() : this.due.shift();
      if (next === undefined) this.idle.push(connection);
      else this.send(connection, next);
    });
  }
}

function summary(latencies: readonly number[]): Pick<LoadResult, 'p50' | 'p95' | 'p99' | 'max'> {
  const sorted = Float64Array.from(latencies).sort();
  const at = (share: number) => percentile(sorted, share);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

/** A connection with at most one request under way. It reads only answers with a content-length, as the service sends them. */
class Connection {
  readonly ready: Promise<void>;
  private readonly socket: net.Socket;
  private received: Buffer = Buffer.alloc(0);
  private answered: ((status: number) => void) | undefined;

  constructor(host: string, port: number) {
    this.socket = net.connect({ host, port, noDelay: true });
    this.ready = new Promise((resolve, reject) => this.socket.once('connect', resolve).once('error', reject));
    this.socket.on('data', (chunk: Buffer) => this.take(chunk));
    this.socket.on('error', () => this.answered?.(0));
  }

  send(request: Buffer, answered: (status: number) => void): void {
    this.answered = answered;
    this.socket.write(request);
  }

  close(): void {
    this.answered = undefined;
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
    this.answered?.(Number(head.slice(9, 12)));
  }
}
