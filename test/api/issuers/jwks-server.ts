import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A provider's JWKS endpoint on loopback, whose answer a test can change. It counts what it is asked. */
export class JwksServer implements AsyncDisposable {
  requests = 0;
  /** Ports are used again, and the service remembers what it has found at a URL. */
  private readonly name = randomUUID();
  private constructor(
    private readonly server: Server,
    /** How it answers from now on. */
    public answer: RequestListener,
  ) {
    server.on('request', (request, response) => {
      this.requests++;
      this.answer(request, response);
    });
  }

  static async start(answer: RequestListener = serving([])): Promise<JwksServer> {
    const server = createServer();
    const jwksServer = new JwksServer(server, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return jwksServer;
  }

  get uri(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/${this.name}/jwks.json`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Answers with a set of these keys. */
export function serving(keys: unknown[]): RequestListener {
  return (_, response) => response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
}

/** Answers with this status and text. */
export function saying(status: number, text: string, headers: Record<string, string> = {}): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(text);
}
