import net from 'node:net';
import { patienceMs } from './until.ts';

/** What came back over a plain socket. */
export interface RawAnswer {
  status: number;
  headers: Headers;
  text: string;
}

/** Sends bytes as they are, for requests that no client would make, and reads until the server closes or has answered. */
export async function sendRaw(url: string, request: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const socket = net.connect(Number(port), hostname);
  let received = '';
  const answered = Promise.withResolvers<void>();
  socket.setEncoding('latin1').on('data', (data: string) => {
    received += data;
    if (isWhole(received)) answered.resolve();
  });
  socket.once('close', () => answered.resolve()).once('error', () => answered.resolve());
  const timer = setTimeout(() => answered.reject(new Error(`no answer, but: ${received}`)), patienceMs);
  socket.write(request);
  try {
    await answered.promise;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
  return parse(received);
}

/** Whether as many bytes of the body have come as were announced. */
function isWhole(received: string): boolean {
  const end = received.indexOf('\r\n\r\n');
  const length = /^content-length: (\d+)/im.exec(received)?.[1];
  return end >= 0 && length !== undefined && received.length >= end + 4 + Number(length);
}

function parse(received: string): RawAnswer {
  const [head = '', ...rest] = received.split('\r\n\r\n');
  const [statusLine = '', ...lines] = head.split('\r\n');
  const headers = new Headers(lines.map((line) => line.split(/: ?(.*)/s).slice(0, 2) as [string, string]));
  return {
    status: Number(statusLine.split(' ')[1] ?? 0),
    headers,
    text: Buffer.from(rest.join('\r\n\r\n'), 'latin1').toString(),
  };
}
