/**
 * Reads streams of events and takes webhooks, and notes when each event came. It is a process of its own, with PORT in its
 * environment, so that its work is not counted as the service's. Times are of the clock that all processes of a machine share.
 *
 * - `POST /control/streams` with a `StreamsToOpen` opens streams, and answers when all of them are open.
 * - `GET /control/counts` answers how many events came so far, by source: `stream`, or the path of a receiver.
 * - `POST /control/take` answers when the events came that have a name, by source and name, and forgets everything.
 * - `POST /control/close` closes the streams.
 * - `POST /hang…` is never answered. Every other POST is a webhook, and is taken at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import net from 'node:net';

import { machineMs } from './processes.ts';

export interface StreamsToOpen {
  /** Address of the service. */
  url: string;
  path: string;
  bearer: string;
  count: number;
}

/** Times in milliseconds at which events came, by source and by the name in their data. */
export type Arrivals = Record<string, Record<string, number[]>>;

/** Connections that are opened at the same time. */
const openedAtOnce = 50;

const counts = new Map<string, number>();
const arrivals = new Map<string, Map<string, number[]>>();
const sockets = new Set<net.Socket>();

function note(source: string, text: string, events: number): void {
  const now = machineMs();
  counts.set(source, (counts.get(source) ?? 0) + events);
  const named = arrivals.get(source) ?? new Map<string, number[]>();
  arrivals.set(source, named);
  for (const [, name = ''] of text.matchAll(/"name":"(event \d+)"/g)) {
    const times = named.get(name);
    if (times) times.push(now);
    else named.set(name, [now]);
  }
}

/** Opens a stream over a plain socket. Resolves when the line that names its beginning has come. */
async function openStream({ url, path, bearer }: StreamsToOpen): Promise<void> {
  const { hostname, port } = new URL(url);
  const socket = net.connect({ host: hostname, port: Number(port) });
  sockets.add(socket);
  socket.write(`GET ${path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer ${bearer}\r\n\r\n`);
  await new Promise<void>((resolve, reject) => {
    let rest = '';
    let isOpen = false;
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      rest += chunk;
      if (!isOpen && !'HTTP/1.1 200'.startsWith(rest.slice(0, 12)))
        reject(new Error(`a stream was answered ${rest.slice(0, 500)}`));
      const end = rest.lastIndexOf('\n\n') + 2;
      if (end < 2) return;
      const text = rest.slice(0, end);
      rest = rest.slice(end);
      if (isOpen) {
        const events = text.split('\nevent: ').length - 1;
        if (events > 0) note('stream', text, events);
        return;
      }
      isOpen = true;
      resolve();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      sockets.delete(socket);
      reject(new Error(`a stream was closed: ${rest.slice(0, 300)}`));
    });
  });
}

async function openStreams(asked: StreamsToOpen): Promise<void> {
  for (let opened = 0; opened < asked.count; opened += openedAtOnce) {
    const next = Math.min(openedAtOnce, asked.count - opened);
    await Promise.all(Array.from({ length: next }, () => openStream(asked)));
  }
}

function take(): Arrivals {
  const taken = Object.fromEntries([...arrivals].map(([source, named]) => [source, Object.fromEntries(named)]));
  counts.clear();
  arrivals.clear();
  return taken;
}

async function control(path: string, body: string): Promise<unknown> {
  if (path === '/control/streams') await openStreams(JSON.parse(body) as StreamsToOpen);
  if (path === '/control/close') for (const socket of sockets) socket.destroy();
  if (path === '/control/counts') return Object.fromEntries(counts);
  return path === '/control/take' ? take() : {};
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = request.url ?? '';
  const body = Buffer.concat((await request.toArray()) as Buffer[]).toString();
  if (path.startsWith('/control/')) {
    const [status, answered] = await control(path, body).then(
      (result) => [200, result] as const,
      (error: unknown) => [500, { error: String(error) }] as const,
    );
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(answered));
    return;
  }
  note(path, body, 1);
  if (!path.startsWith('/hang')) response.writeHead(204).end();
}

createServer((request, response) => {
  answer(request, response).catch(() => response.destroy());
}).listen(Number(process.env['PORT']), '127.0.0.1');
