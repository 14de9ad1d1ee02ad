import type { Server, Socket } from 'node:net';
import { Injectable } from '@nestjs/common';
import ipaddr from 'ipaddr.js';
import { Settings } from '../config.ts';
import { rateLimitFields } from '../errors.ts';
import { isGlobalAddress } from '../outgoing/addresses.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { networkOf } from './strangers.ts';

/** Everything that is said on a connection that is one too many. Nothing of the client is read. */
/** What `Retry-After` says, in seconds. */
const againSeconds = 10;

const refusal = [
  'HTTP/1.1 429 Too Many Requests',
  'content-type: application/problem+json',
  `retry-after: ${againSeconds}`,
  'connection: close',
];

/** A connection that was refused has so long to read why, in milliseconds. */
const readMs = 1_000;

/**
 * Limits how many connections of one address, and in all, are open on this replica. A connection is of the host at its other
 * end: behind a proxy that is the proxy, which has as many as it needs.
 */
@Injectable()
export class Connections {
  /** Open connections, by the network of their address. */
  private readonly open = new Map<string, number>();

  constructor(
    private readonly settings: Settings,
    private readonly metrics: Metrics,
  ) {}

  /** Number of addresses with an open connection. */
  get addresses(): number {
    return this.open.size;
  }

  /** Watches the connections of a server from now on. What listens for connections already hears only of those that stay. */
  watch(server: Server): void {
    // Beyond this number Node closes a connection without a word, before anything is kept for it.
    server.maxConnections = this.settings.connectionsPerReplica;
    server.on('drop', () => this.metrics.refusedConnections.inc({ reason: 'replica' }));
    const listeners = server.rawListeners('connection');
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      if (this.take(socket)) for (const listen of listeners) Reflect.apply(listen, server, [socket]);
      else this.refuse(socket);
    });
  }

  /** Counts a connection. Answers whether it may stay. */
  private take(socket: Socket): boolean {
    const address = socket.remoteAddress;
    if (address === undefined || this.isOfProxy(address)) return true;
    const network = networkOf(address);
    const count = this.open.get(network) ?? 0;
    if (count >= this.settings.connectionsPerAddress) return false;
    this.open.set(network, count + 1);
    socket.once('close', () => this.release(network));
    return true;
  }

  private release(network: string): void {
    const left = (this.open.get(network) ?? 1) - 1;
    if (left > 0) this.open.set(network, left);
    else this.open.delete(network);
  }

  private refuse(socket: Socket): void {
    this.metrics.refusedConnections.inc({ reason: 'address' });
    const detail = `There are ${this.settings.connectionsPerAddress} connections of this address. Close some, or use one for several requests.`;
    const body = JSON.stringify({
      type: '/docs/problems/rate_limited',
      title: 'Too many requests',
      status: 429,
      code: 'rate_limited',
      detail,
    });
    socket.on('error', () => undefined); // the client may be gone
    socket.resume(); // what it sends is not read
    const limit = { policy: 'connections', quota: this.settings.connectionsPerAddress };
    const fields = Object.entries(rateLimitFields(limit, 0, againSeconds)).map(([name, value]) => `${name}: ${value}`);
    socket.end([...refusal, ...fields, `content-length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
    setTimeout(() => socket.destroy(), readMs).unref();
  }

  /**
   * Whether a proxy or load balancer may be at the other end, through which many people come: one that TRUSTED_PROXIES names,
   * or, if that is not set, any host of a private network.
   */
  private isOfProxy(address: string): boolean {
    const { trustedProxies } = this.settings;
    if (!trustedProxies) return !isGlobalAddress(address);
    const parsed = ipaddr.process(address);
    return trustedProxies.some((proxy) => {
      const [range, bits] = proxy.includes('/') ? ipaddr.parseCIDR(proxy) : [ipaddr.process(proxy), undefined];
      if (range.kind() !== parsed.kind()) return false;
      return bits === undefined ? range.toString() === parsed.toString() : parsed.match(range, bits);
    });
  }
}
