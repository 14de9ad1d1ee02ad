/** Clients that send slowly, or more than they may. */
import http from 'node:http';
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

/** Sends a body as fast as the connection takes it. Returns the status, or how the connection broke. */
async function sendBody(bytes: number, isChunked: boolean): Promise<number | string> {
  const body = Buffer.alloc(bytes, 0x20);
  return await new Promise((resolve) => {
    const request = http.request(`${stagedoor.url}/v1/spaces`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(!isChunked && { 'content-length': bytes }) },
      agent: false,
    });
    request.once('response', (answer) => {
      answer.resume();
      resolve(answer.statusCode ?? 0);
    });
    request.once('error', (error) => resolve(error.message));
    for (let at = 0; at < bytes; at += 65_536) request.write(body.subarray(at, at + 65_536));
    request.end();
  });
}

it.each([false, true])('every client with a body over the limit gets its 413 (chunked: %s)', async (isChunked) => {
  const answers: (number | string)[] = [];
  await inParallel(40, 8, async () => void answers.push(await sendBody(4 * 1024 * 1024, isChunked)));
  expect(answers.filter((answer) => answer !== 413)).toEqual([]);
});
