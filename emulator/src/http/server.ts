import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChatServer } from '../messaging/chat-server.ts';
import type { AwsServices } from './aws-services.ts';
import { readBody } from './body.ts';
import { page } from './page.ts';
import { json, type Reply, send } from './reply.ts';

/** Every valid request is far smaller: tags, attributes and a key take about thirty kilobytes. */
const MAX_BODY_BYTES = 512 * 1024;

/** The parts that answer on the port of the emulator. */
export interface Parts {
  aws: AwsServices;
  chat: ChatServer;
  /** Answers paths below `/_emulator/`. */
  control: (request: IncomingMessage, body: Buffer) => Promise<Reply>;
}

const BANNER = `IVS emulator: Amazon IVS Real-Time, IVS Chat and a part of STS on this machine.
This is not AWS. Nothing here is streamed, billed or kept safe.
Control API: /_emulator/, described in the package's docs. A browser shows a page with the present state at this address.
`;

/** Starts the HTTP and WebSocket server. Resolves when it listens. */
export async function listen(parts: Parts, host: string, port: number): Promise<Server> {
  const server = createServer({ keepAliveTimeout: 70_000 }, (request, response) => {
    void respond(parts, request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    parts.chat.upgrade(request, socket, head).catch((error: Error) => {
      process.emitWarning(error);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
  return server;
}

/** The port that a server listens on. */
export function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function respond(parts: Parts, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    send(response, await route(parts, request));
  } catch (error) {
    // The client closed the connection while it was sending. Nobody waits for an answer.
    if (request.destroyed && !request.complete) return;
    process.emitWarning(error as Error);
    if (!response.headersSent) send(response, json(500, { message: 'the emulator failed; its log says where' }));
  }
}

async function route(parts: Parts, request: IncomingMessage): Promise<Reply> {
  const path = request.url ?? '/';
  const body = await readBody(request, MAX_BODY_BYTES);
  if (path.startsWith('/_emulator/')) {
    if (body === 'too-large') return json(413, { message: 'the body is too large' });
    return await parts.control(request, body);
  }
  if (path === '/' && request.method === 'GET') {
    if (request.headers.accept?.includes('text/html')) return page();
    return { status: 200, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: BANNER };
  }
  return await parts.aws.answer(request, body);
}
