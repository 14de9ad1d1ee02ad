import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request that an endpoint received. */
export interface Received<Body> {
  headers: IncomingHttpHeaders;
  body: Body;
}

/** The answer of an endpoint: JSON or a text, with a status. With `never`, the endpoint does not answer. */
export type EndpointAnswer = { status?: number; json?: unknown; text?: string } | 'never';

/** An HTTP endpoint that stores the requests that it receives. */
export class Endpoint<Body = unknown> implements AsyncDisposable {
  readonly received: Received<Body>[] = [];
  answer: (body: Body, count: number) => EndpointAnswer = () => ({ json: {} });
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as Body;
      this.received.push({ headers: request.headers, body });
      const answer = this.answer(body, this.received.length);
      if (answer === 'never') return;
      const { status = 200, json, text = JSON.stringify(json ?? {}) } = answer;
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
  });

  static async start<Body>(port = 0): Promise<Endpoint<Body>> {
    const endpoint = new Endpoint<Body>();
    await new Promise<void>((resolve) => endpoint.#server.listen(port, '127.0.0.1', resolve));
    return endpoint;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }
}
