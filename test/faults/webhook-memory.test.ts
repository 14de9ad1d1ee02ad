/** A process that sends webhooks to bad receivers for long: it keeps nothing of them. */
import { spawn } from 'node:child_process';
import type { ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import path from 'node:path';
import { selfSigned } from '../support/certificate.ts';
import { sized } from '../support/full-size.ts';
import { answering, WebhookReceiver } from '../support/webhook-receiver.ts';

const root = path.resolve(import.meta.dirname, '../..');
const calls = sized(600, 10_000);

/** More than the garbage that is left after a collection, and less than a leak of some kilobytes in each call leaves. */
const mostGrowth = 16 * 1024 * 1024;

interface Outcome {
  before: number;
  after: number;
  faults: Record<string, number>;
}

/** Answers without an end, as fast as it is read. */
function endless(response: ServerResponse): void {
  const chunk = Buffer.alloc(16 * 1024, 'x');
  const pump = () => {
    while (!response.destroyed && response.write(chunk));
    if (!response.destroyed) response.once('drain', pump);
  };
  pump();
}

function drip(response: ServerResponse): void {
  response.writeHead(200);
  const timer = setInterval(() => response.write('.'), 50);
  response.on('close', () => clearInterval(timer));
}

test('thousands of calls to receivers that fail in every way leave no memory behind', async () => {
  await using healthy = await WebhookReceiver.start();
  await using failing = await WebhookReceiver.start(answering(500, {}, 'x'.repeat(5_000)));
  await using moved = await WebhookReceiver.start(answering(302, { location: 'http://127.0.0.1:9/' }));
  await using hanging = await WebhookReceiver.start(() => undefined);
  await using dripping = await WebhookReceiver.start((_, response) => drip(response));
  await using unending = await WebhookReceiver.start((_, response) => endless(response));
  await using breaking = await WebhookReceiver.start((request) => request.socket.destroy());
  await using untrusted = await WebhookReceiver.start(answering(204), createHttpsServer(selfSigned));
  await using flapping = await WebhookReceiver.start((request, response) =>
    answering(flapping.received.length % 2 === 0 ? 204 : 503)(request, response),
  );
  const forget = setInterval(() => {
    for (const one of [healthy, failing, moved, hanging, dripping, unending, breaking, flapping])
      one.received.length = 0;
  }, 100);
  const urls = [
    ...[healthy, failing, moved, breaking, flapping].map(({ url }) => `8*${url}`),
    `8*${untrusted.url.replace('http:', 'https:')}`,
    '8*http://127.0.0.1:9/',
    ...[unending, dripping].map(({ url }) => `4*${url}`),
    `1*${hanging.url}`,
  ];
  const { before, after, faults } = await attempt(urls);
  clearInterval(forget);
  for (const kind of ['delivered', 'status', 'redirect', 'timeout', 'broken', 'certificate', 'unreachable']) {
    expect(faults[kind]).toBeGreaterThan(0);
  }
  expect(after - before).toBeLessThan(mostGrowth);
});

/** Lets another process make the calls. */
async function attempt(urls: string[]): Promise<Outcome> {
  const script = path.join(root, 'test/support/webhook-attempts.ts');
  const args = ['--expose-gc', '--import', path.join(root, 'dev/run-typescript.mjs'), script, String(calls), ...urls];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code).toBe(0);
  return JSON.parse(output) as Outcome;
}
