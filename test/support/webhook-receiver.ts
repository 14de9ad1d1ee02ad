import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Json } from './stagedoor.ts';

/** A webhook that came in. */
export interface Received {
  id: string;
  headers: Record<string, string>;
  /** The text that is signed. */
  text: string;
  event: Json;
}

/** A tenant's receiver on loopback, whose answer a test can change. It keeps what it gets. */
export class WebhookReceiver implements AsyncDisposable {
  readonly received: Received[] = [];

  private constructor(
    private readonly server: Server,
    /** How it answers from now on. The body has been read. */
    public answer: RequestListener,
  ) {
    server.on('request', (request, response) => {
      void textOf(request).then((text) => {
        const headers = request.headers as Record<string, string>;
        this.received.push({
          id: headers['webhook-id'] ?? '',
          headers,
          text,
          event: JSON.parse(text) as Json,
        });
        this.answer(request, response);
      });
    });
  }

  /** @param server another server than one of plain HTTP. */
  static async start(answer = answering(204), server: Server = createServer()): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(server, answer);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return receiver;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks`;
  }

  /** The ids of what came in, in its order. */
  get ids(): string[] {
    return this.received.map(({ id }) => id);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}

/** Answers with this status, these headers and this text. */
export function answering(status: number, headers: Record<string, string> = {}, text = ''): RequestListener {
  return (_, response) => response.writeHead(status, headers).end(status === 204 ? undefined : text);
}

/** Whether a webhook has a signature with this secret, as a receiver checks it. */
export function isSignedWith(secret: string, { headers, text }: Received): boolean {
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  const content = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`;
  const expected = Buffer.from(`v1,${createHmac('sha256', key).update(content).digest('base64')}`);
  return (headers['webhook-signature'] ?? '').split(' ').some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request.setEncoding('utf8')) text += part as string;
  return text;
}
