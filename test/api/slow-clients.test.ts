/** Clients that send slowly, or more than they may. */
import { once } from 'node:events';
import net from 'node:net';
import { inParallel } from '../support/full-size.ts';
import { inTime } from '../support/own-time.ts';
import { Stagedoor } from '../support/stagedoor.ts';

let stagedoor: Stagedoor;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});

afterAll(async () => {
  await stagedoor.stop();
});

/** Sends the beginning of a request and no more. Returns what the service says before it closes the connection. */
async function sendBeginning(text: string): Promise<string> {
  const { hostname, port } = new URL(stagedoor.url);
  const socket = net.connect(Number(port), hostname);
  let received = '';
  socket.setEncoding('latin1').on('data', (data: string) => (received += data));
  socket.on('error', () => undefined);
  socket.write(text);
  await new Promise((resolve) => socket.once('close', resolve));
  return received;
}

it.each([
  ['headers', 'POST /v1/spaces HTTP/1.1\r\nhost: x\r\n', 5_000],
  [
    'a body',
    'POST /v1/spaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    10_000,
  ],
])(
  'a client whose request has %s without an end gets a 408 soon after the limit',
  async (_what, beginning, limitMs) => {
    expect(await inTime(limitMs + 4_000, () => sendBeginning(beginning))).toMatch(/^HTTP\/1\.1 408 /);
  },
);

it('while hundreds of clients leave their requests unfinished, others are served', async () => {
  const { hostname, port } = new URL(stagedoor.url);
  const beginnings = [
    'GET /v1/spaces HTTP/1.1\r\nhost: x\r\n',
    'POST /v1/spaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
    '',
  ];
  const sockets = await Promise.all(
    Array.from({ length: 300 }, async (_, n) => {
      const socket = net.connect(Number(port), hostname);
      await once(socket, 'connect');
      socket.on('error', () => undefined); // the service cuts it when its time is over
      socket.write(beginnings[n % beginnings.length] ?? '');
      return socket;
    }),
  );
  try {
    const { key } = await stagedoor.createTenant();
    for (let n = 0; n < 10; n++) await stagedoor.expect(200, stagedoor.get('/v1/spaces', key));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
});

/** Sends a whole request before it reads anything, as many clients do. Returns the status, or how the connection broke. */
async function sendBody(bytes: number, isChunked: boolean): Promise<number | string> {
  const { hostname, port } = new URL(stagedoor.url);
  const socket = net.connect(Number(port), hostname).pause();
  const broken = new Promise<string>((resolve) => socket.once('error', (error) => resolve(error.message)));
  const send = (data: string | Buffer) => new Promise<void>((resolve) => socket.write(data, () => resolve()));
  const length = isChunked ? 'transfer-encoding: chunked' : `content-length: ${bytes}`;
  const part = Buffer.alloc(65_536, 0x20);
  const sent = (async () => {
    await send(`POST /v1/spaces HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${length}\r\n\r\n`);
    for (let left = bytes; left > 0 && !socket.destroyed; left -= part.length) {
      if (isChunked) await send(`${part.length.toString(16)}\r\n`);
      await send(part);
      if (isChunked) await send('\r\n');
    }
    if (isChunked) await send('0\r\n\r\n');
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString('latin1'))));
    socket.resume();
    return Number((await answer).split(' ')[1]);
  })();
  return await Promise.race([sent, broken]).finally(() => socket.destroy());
}

it.each([false, true])('every client with a body over the limit gets its 413 (chunked: %s)', async (isChunked) => {
  const answers: (number | string)[] = [];
  await inParallel(12, 2, async () => {
    let answer: number | string;
    let begun: number;
    // The service reads a body away for five seconds. A busy machine may need longer to send it: then it is sent again.
    do {
      begun = performance.now();
      answer = await sendBody(4 * 1024 * 1024, isChunked);
    } while (answer !== 413 && performance.now() - begun > 4_500);
    answers.push(answer);
  });
  expect(answers).toEqual(Array.from({ length: 12 }, () => 413));
});
