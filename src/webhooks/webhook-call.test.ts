import { createServer as createHttpsServer } from 'node:https';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { gzipSync } from 'node:zlib';
import { selfSigned } from '../../test/support/certificate.ts';
import { DnsServer } from '../../test/support/dns-server.ts';
import { until } from '../../test/support/until.ts';
import { answering, WebhookReceiver } from '../../test/support/webhook-receiver.ts';
import { keptBytes, WebhookCalls } from './webhook-call.ts';

const calls = new WebhookCalls({ allowPrivateAddresses: true });
afterAll(() => calls.close());

const post = (url: string) => calls.post('whk_1', url, { 'webhook-id': 'evt_1' }, '{"n":1}');

/** How many connections a server has. */
const connections = (server: Server | ReturnType<typeof createNetServer>) =>
  new Promise<number>((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });

it('posts the body, asks for no compression, and keeps the first bytes of the answer', async () => {
  await using receiver = await WebhookReceiver.start(answering(200, {}, 'a\0b'));
  expect(await post(receiver.url)).toEqual({ status: 200, answer: 'a\uFFFDb', fault: null, retryAfter: undefined });
  expect(receiver.received[0]).toMatchObject({
    text: '{"n":1}',
    headers: { 'content-type': 'application/json', 'accept-encoding': 'identity', 'webhook-id': 'evt_1' },
  });
});

it.each([
  [204, null],
  [299, null],
  [301, 'redirect'],
  [307, 'redirect'],
  [404, 'status'],
  [410, 'status'],
  [500, 'status'],
])('an answer with %d has the fault %j', async (status, fault) => {
  await using receiver = await WebhookReceiver.start(answering(status));
  expect(await post(receiver.url)).toMatchObject({ status, fault });
});

it('does not follow redirects', async () => {
  await using inward = await WebhookReceiver.start();
  for (const status of [301, 302, 303, 307, 308]) {
    await using receiver = await WebhookReceiver.start(answering(status, { location: inward.url }));
    expect(await post(receiver.url)).toMatchObject({ status, fault: 'redirect' });
  }
  expect(inward.received).toEqual([]);
});

it('hands on Retry-After', async () => {
  await using receiver = await WebhookReceiver.start(answering(429, { 'retry-after': '120' }));
  expect(await post(receiver.url)).toMatchObject({ status: 429, retryAfter: '120' });
});

it('uses a connection again while the receiver is well, and none that has failed', async () => {
  const server = createServer();
  let opened = 0;
  server.on('connection', () => (opened += 1));
  await using receiver = await WebhookReceiver.start(answering(204), server);
  for (let call = 0; call < 20; call++) await post(receiver.url);
  const before = opened;
  expect(before).toBeLessThanOrEqual(3);
  receiver.answer = answering(500);
  await post(receiver.url);
  receiver.answer = answering(204);
  await post(receiver.url);
  expect(opened).toBe(before + 1);
});

describe('reads only the beginning of', () => {
  it('an endless answer, and keeps nothing of the rest over many calls', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    let written = 0;
    const server = createServer();
    await using receiver = await WebhookReceiver.start((_, response) => {
      const pump = () => {
        while (!response.destroyed) {
          written += chunk.length;
          if (!response.write(chunk)) break;
        }
        if (!response.destroyed) response.once('drain', pump);
      };
      pump();
    }, server);
    for (let call = 0; call < 50; call++) {
      expect(await post(receiver.url)).toEqual({
        status: 200,
        answer: 'x'.repeat(keptBytes),
        fault: null,
        retryAfter: undefined,
      });
    }
    expect(written).toBeLessThan(50 * 16 * 1024 * 1024); // what fits into the buffers of both sides
    await until(async () => (await connections(server)) === 0, 'all connections are cut');
  });

  it('a compressed bomb, without unpacking it', async () => {
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
    await using receiver = await WebhookReceiver.start((_, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    await post(receiver.url);
    const before = process.memoryUsage().rss;
    for (let call = 0; call < 20; call++)
      expect(await post(receiver.url)).toMatchObject({ status: 200, answer: null, fault: null });
    expect(process.memoryUsage().rss - before).toBeLessThan(40 * 1024 * 1024);
  });

  it('an answer that drips, and counts it as an answer', async () => {
    const server = createServer();
    await using receiver = await WebhookReceiver.start((_, response) => {
      response.writeHead(200);
      const timer = setInterval(() => response.write('.'), 50);
      response.on('close', () => clearInterval(timer));
    }, server);
    expect(await post(receiver.url)).toMatchObject({
      status: 200,
      answer: expect.stringMatching(/^\.+$/),
      fault: null,
    });
    await until(async () => (await connections(server)) === 0, 'the connection is cut');
  });
});

describe('gives up', () => {
  it.concurrent('after five seconds without an answer', async () => {
    await using receiver = await WebhookReceiver.start(() => undefined);
    expect(await post(receiver.url)).toEqual({ status: null, answer: null, fault: 'timeout', retryAfter: undefined });
  });

  it.concurrent('when headers drip', async () => {
    const server = createNetServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write('x: y\r\n'), 50);
      socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    expect(await post(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)).toMatchObject({
      fault: 'timeout',
    });
    await until(async () => (await connections(server)) === 0, 'the connection is cut');
    server.close();
  });

  it('when headers do not end', async () => {
    await using receiver = await WebhookReceiver.start(answering(200, { 'x-long': 'x'.repeat(100_000) }));
    expect(await post(receiver.url)).toMatchObject({ status: null, fault: 'broken' });
  });

  it('when the connection breaks off', async () => {
    await using receiver = await WebhookReceiver.start((request) => request.socket.destroy());
    expect(await post(receiver.url)).toMatchObject({ status: null, fault: 'broken' });
  });

  it('when nobody listens', async () => {
    expect(await post('http://127.0.0.1:9/')).toMatchObject({ status: null, fault: 'unreachable' });
  });

  it('when the certificate of the receiver is not valid', async () => {
    await using receiver = await WebhookReceiver.start(answering(204), createHttpsServer(selfSigned));
    expect(await post(receiver.url.replace('http:', 'https:'))).toMatchObject({ status: null, fault: 'certificate' });
    expect(receiver.received).toEqual([]);
  });
});

it.each([
  'http://hooks.example.com/',
  'https://127.0.0.1/',
  'https://[::1]/',
  'https://localhost/',
  'https://10.0.0.1/',
])('%s is refused where only public addresses are allowed', async (url) => {
  const strict = new WebhookCalls({ allowPrivateAddresses: false });
  expect(await strict.post('whk_1', url, {}, '')).toMatchObject({ status: null, fault: 'refused' });
});

it('a name that leads to a private address is not called, also if it did not when it was checked before', async () => {
  await using receiver = await WebhookReceiver.start();
  await using dns = await DnsServer.start(() => ['127.0.0.1']);
  const strict = new WebhookCalls({ allowPrivateAddresses: false, dnsServers: [dns.address] });
  expect(await strict.post('whk_1', 'https://hooks.example.com/', {}, '')).toMatchObject({ fault: 'unreachable' });
  expect(receiver.received).toEqual([]);
});
