import net from 'node:net';

/** How the line to the server is: as it should be, not answering a call, silent, or slow. */
export type Line = 'open' | 'refusing' | 'hanging' | { delayMs: number };

/** A line to a server that a test can cut, silence or slow down, as networks do. */
export class TcpProxy {
  private line: Line = 'open';
  private readonly pairs = new Set<[net.Socket, net.Socket]>();

  private constructor(
    private readonly server: net.Server,
    private host: string,
    private portBehind: number,
  ) {}

  static async start(host: string, port: number): Promise<TcpProxy> {
    const server = net.createServer();
    const proxy = new TcpProxy(server, host, port);
    server.on('connection', (client) => proxy.connect(client));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get port(): number {
    return (this.server.address() as net.AddressInfo).port;
  }

  /** Changes the line; `refusing` cuts what is connected too. */
  set(line: Line): void {
    this.line = line;
    if (line === 'refusing') this.cut();
  }

  /** Cuts every connection, wherever it is in its work. */
  cut(): void {
    for (const pair of this.pairs) for (const socket of pair) socket.destroy();
  }

  /** Leads new connections to another server, as a name or a balancer does after a failover. Those of before stay where they are. */
  leadTo(host: string, port: number): void {
    this.host = host;
    this.portBehind = port;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private connect(client: net.Socket): void {
    if (this.line === 'refusing') {
      client.destroy();
      return;
    }
    const upstream = net.connect(this.portBehind, this.host);
    const pair: [net.Socket, net.Socket] = [client, upstream];
    this.pairs.add(pair);
    this.pipe(client, upstream);
    this.pipe(upstream, client);
    for (const socket of pair) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.pairs.delete(pair);
        for (const other of pair) other.destroy();
      });
    }
  }

  private pipe(from: net.Socket, to: net.Socket): void {
    from.on('data', (data) => {
      if (this.line === 'hanging') return; // lost, as on a line that drops packets
      if (typeof this.line === 'object') setTimeout(() => to.write(data), this.line.delayMs);
      else to.write(data);
    });
  }
}
