/** A load balancer as they are in front of real deployments: it checks at intervals which servers are ready. It never retries. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';

interface Server {
  url: URL;
  ready: boolean;
  isChecked: boolean;
  /** When it was last sent a request, in milliseconds of `performance.now()`. */
  sentAt: number;
  /** Keeps connections, as load balancers do. */
  agent: http.Agent;
}

export class Balancer {
  private readonly servers: Server[] = [];
  private readonly timer: NodeJS.Timeout;
  private turn = 0;

  private constructor(
    private readonly front: http.Server,
    checkEveryMs: number,
  ) {
    front.keepAliveTimeout = 0; // a client never meets a connection that is being closed
    front.on('request', (request, response) => this.forward(request, response));
    this.timer = setInterval(() => this.servers.forEach((server) => void this.check(server)), checkEveryMs);
  }

  /** @param checkEveryMs time between two checks of a server, in milliseconds. One check decides. */
  static async start(checkEveryMs: number): Promise<Balancer> {
    const front = http.createServer();
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    return new Balancer(front, checkEveryMs);
  }

  get url(): string {
    return `http://127.0.0.1:${(this.front.address() as AddressInfo).port}`;
  }

  get readyServers(): number {
    return this.servers.filter(({ ready }) => ready).length;
  }

  add(url: string): void {
    const agent = new http.Agent({ keepAlive: true });
    this.servers.push({ url: new URL(url), ready: false, isChecked: false, sentAt: 0, agent });
  }

  /** When a server was last sent a request, in milliseconds of `performance.now()`. */
  lastSentTo(url: string): number {
    return this.servers.find((server) => server.url.href === new URL(url).href)?.sentAt ?? 0;
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const { agent } of this.servers) agent.destroy();
    this.front.closeAllConnections();
    await new Promise((resolve) => this.front.close(resolve));
  }

  private async check(server: Server): Promise<void> {
    if (server.isChecked) return; // an earlier check never overrules a later one
    server.isChecked = true;
    server.ready = await fetch(new URL('/health/ready', server.url), { headers: { connection: 'close' } }).then(
      async (response) => (await response.text(), response.ok),
      () => false,
    );
    server.isChecked = false;
  }

  /** Sends a request on to the next ready server. Without an answer of it, the answer is 502; without a ready server, 504. */
  private forward(request: http.IncomingMessage, response: http.ServerResponse): void {
    const ready = this.servers.filter((server) => server.ready);
    const server = ready[this.turn++ % ready.length];
    if (!server) {
      response.writeHead(504).end('no server is ready');
      return;
    }
    server.sentAt = performance.now();
    const { connection: _connection, ...headers } = request.headers;
    const onward = http.request(new URL(request.url ?? '/', server.url), {
      method: request.method,
      headers,
      agent: server.agent,
    });
    onward.once('response', (answer) => {
      const { connection: _close, ...answered } = answer.headers;
      response.writeHead(answer.statusCode ?? 502, answered);
      answer.pipe(response);
      answer.once('error', () => response.destroy());
    });
    onward.once('error', (error) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(502).end(`no answer of the server: ${error.message}`);
    });
    request.pipe(onward);
  }
}
