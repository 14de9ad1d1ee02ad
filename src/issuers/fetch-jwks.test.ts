import { generateKeyPairSync } from 'node:crypto';
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttpServer } from 'node:http';
import { gzipSync } from 'node:zlib';
import { JwksServer, saying, serving } from '../../test/api/issuers/jwks-server.ts';
import { DnsServer } from '../../test/support/dns-server.ts';
import { inTime } from '../../test/support/own-time.ts';
import { fetchJwks } from './fetch-jwks.ts';

const local = { allowPrivateAddresses: true };
const key = { ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }), kid: 'one' };

it('fetches the keys that can verify, and ignores others', async () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await using server = await JwksServer.start(
    serving([
      key,
      { ...key, use: 'enc' },
      { kty: 'oct', k: 'c2VjcmV0' },
      rsa.privateKey.export({ format: 'jwk' }),
      null,
      'x',
      { kty: 'new' },
    ]),
  );
  const { keys } = await fetchJwks(server.uri, local);
  expect(keys.map((one) => one.kid)).toEqual(['one']);
});

it('accepts an empty set', async () => {
  await using server = await JwksServer.start(serving([]));
  expect(await fetchJwks(server.uri, local)).toEqual({ keys: [], served: 0 });
});

it('asks for no compression', async () => {
  let asked: string | undefined;
  await using server = await JwksServer.start((request, response) => {
    asked = request.headers['accept-encoding'];
    serving([key])(request, response);
  });
  await fetchJwks(server.uri, local);
  expect(asked).toBe('identity');
});

describe('an answer is refused when it', () => {
  it.each([
    ['is an error', saying(500, JSON.stringify({ keys: [key] }))],
    ['is not found', saying(404, '')],
    ['has no content', saying(204, '')],
    ['is no JSON', saying(200, '<html>')],
    ['is empty', saying(200, '')],
    ['is null', saying(200, 'null')],
    ['has no keys', saying(200, '{}')],
    ['has keys that are no list', saying(200, '{"keys":{}}')],
    ['is nested without end', saying(200, '['.repeat(60_000))],
    ['has 51 keys', serving(Array.from({ length: 51 }, () => key))],
    ['is larger than 64 kB', saying(200, JSON.stringify({ keys: [key], padding: 'x'.repeat(64 * 1024) }))],
    ['is compressed', saying(200, '', { 'content-encoding': 'gzip' })],
    [
      'breaks off',
      (_, response) =>
        response.writeHead(200, { 'content-length': '100' }).write('{"keys":[') &&
        setTimeout(() => response.destroy(), 20),
    ],
  ] as [string, Parameters<typeof JwksServer.start>[0]][])('%s', async (_, answer) => {
    await using server = await JwksServer.start(answer);
    await expect(fetchJwks(server.uri, local)).rejects.toThrow();
    expect(server.requests).toBe(1);
  });
});

it('does not follow redirects', async () => {
  await using inward = await JwksServer.start(serving([key]));
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = await JwksServer.start(saying(status, '', { location: inward.uri }));
    await expect(fetchJwks(server.uri, local)).rejects.toThrow(`answered ${status}`);
  }
  expect(inward.requests).toBe(0);
});

it('stops reading an endless answer at 64 kB, without keeping it', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  await using server = await JwksServer.start((_, response) => {
    const pump = () => {
      while (!response.destroyed && response.write(chunk));
      if (!response.destroyed) response.once('drain', pump);
    };
    pump();
  });
  await expect(fetchJwks(server.uri, local)).rejects.toThrow();
  const before = process.memoryUsage().rss;
  for (let round = 0; round < 20; round++) await expect(fetchJwks(server.uri, local)).rejects.toThrow();
  expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024);
});

it('does not unpack a compressed bomb', async () => {
  const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, ' '));
  expect(bomb.length).toBeLessThan(64 * 1024);
  await using server = await JwksServer.start((_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  );
  const before = process.memoryUsage().rss;
  await expect(fetchJwks(server.uri, local)).rejects.toThrow('compressed');
  expect(process.memoryUsage().rss - before).toBeLessThan(20 * 1024 * 1024);
});

describe('gives up after 3 seconds on a server that', () => {
  it.concurrent.each([
    [
      'drips',
      (_, response) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(timer));
      },
    ],
    ['sends a header and no more', (_, response) => response.writeHead(200).flushHeaders()],
    ['says nothing', () => undefined],
  ] as [string, Parameters<typeof JwksServer.start>[0]][])('%s', async (_, answer) => {
    await using server = await JwksServer.start(answer);
    const start = performance.now();
    await inTime(5_000, () => expect(fetchJwks(server.uri, local)).rejects.toThrow());
    expect(performance.now() - start).toBeGreaterThan(2_900);
  });

  it('drips its headers', async () => {
    const server = createServer((socket) => {
      socket.write('HTTP/1.1 200 OK\r\n').valueOf();
      const timer = setInterval(() => socket.write('x: y\r\n'), 50);
      socket.on('close', () => clearInterval(timer)).on('error', () => undefined);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await inTime(5_000, () => expect(fetchJwks(uri, local)).rejects.toThrow());
    server.close();
  });
});

it('refuses a server that answers with endless headers', async () => {
  const server = createHttpServer((_, response) =>
    response.writeHead(200, { 'x-long': 'x'.repeat(100_000) }).end('{"keys":[]}'),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  await expect(fetchJwks(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`, local)).rejects.toThrow();
  server.closeAllConnections();
  server.close();
});

describe('a name is resolved once, and', () => {
  it.each([
    ['one that leads inward is not connected to', ['127.0.0.1']],
    ['one that leads inward among others is not either', ['93.184.215.14', '10.0.0.1']],
    ['one that leads to a metadata service is not either', ['169.254.169.254']],
  ])('%s', async (_, answers) => {
    await using dns = await DnsServer.start(() => answers);
    await expect(
      fetchJwks('https://login.example.com/jwks', { allowPrivateAddresses: false, dnsServers: [dns.address] }),
    ).rejects.toThrow('login.example.com resolves to');
  });

  it('the connection goes to the checked address, although the name resolves to another one the next time', async () => {
    await using server = await JwksServer.start(serving([key]));
    let asked = 0;
    await using dns = await DnsServer.start(() => (asked++ === 0 ? ['127.0.0.1'] : ['127.0.0.99']));
    const uri = server.uri.replace('127.0.0.1', 'login.example.com');
    const { keys } = await fetchJwks(uri, { allowPrivateAddresses: true, dnsServers: [dns.address] });
    expect(keys).toHaveLength(1);
    expect(asked).toBe(1);
  });

  it('a silent name server does not delay the fetch beyond its deadline', async () => {
    await using dns = await DnsServer.start(() => undefined);
    const options = { allowPrivateAddresses: false, dnsServers: [dns.address] };
    await inTime(5_000, () =>
      expect(fetchJwks('https://login.example.com/jwks', options)).rejects.toThrow('cannot be resolved'),
    );
  });
});
