import http from 'node:http';
import net from 'node:net';
import { Settings } from '../config.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Connections } from './connections.ts';

let served = 0;
const open: { close(): void }[] = [];

/** A server of HTTP on loopback whose connections are limited. */
async function serverWith(
  env: Record<string, string>,
): Promise<{ port: number; limits: Connections; metrics: Metrics }> {
  const settings = Settings.from({
    DATABASE_URL: 'postgresql://localhost/db',
    STAGEDOOR_OPERATOR_TOKEN: 'operator-token-of-the-tests-0123456789',
    STAGEDOOR_MASTER_KEY: Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64'),
    AWS_REGION: 'us-east-1',
    ...env,
  });
  const metrics = new Metrics();
  const limits = new Connections(settings, metrics);
  const server = http.createServer((_request, response) => {
    served += 1;
    response.end('served');
  });
  limits.watch(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  return { port: (server.address() as net.AddressInfo).port, limits, metrics };
}

afterEach(() => {
  for (const one of open.splice(0)) one.close();
});

/** Opens a connection and sends a request. Returns the socket and what came back, until it was answered or closed. */
async function ask(port: number): Promise<{ socket: net.Socket; answer: string }> {
  const socket = net.connect(port, '127.0.0.1');
  open.push({ close: () => socket.destroy() });
  socket.on('error', () => undefined);
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  const answer = await new Promise<string>((resolve) => {
    socket.once('data', (data) => resolve(data.toString()));
    socket.once('close', () => resolve('closed'));
  });
  return { socket, answer };
}

const refusedBy = async (metrics: Metrics, reason: string) =>
  (await metrics.refusedConnections.get()).values.find(({ labels }) => labels.reason === reason)?.value;

it('an address has so many connections, the next one is told so, and a closed one makes room', async () => {
  const env = { CONNECTIONS_PER_ADDRESS: '3', TRUSTED_PROXIES: '192.0.2.1,2001:db8::/32,10.0.0.0/8' };
  const { port, limits, metrics } = await serverWith(env);
  const first = [await ask(port), await ask(port), await ask(port)];
  for (const { answer } of first) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  const { socket, answer } = await ask(port);
  expect(answer).toMatch(/^HTTP\/1\.1 429 Too Many Requests\r\n[^]*retry-after: 10\r\n/);
  expect(JSON.parse(answer.slice(answer.indexOf('{')))).toMatchObject({ code: 'rate_limited', status: 429 });
  expect(await refusedBy(metrics, 'address')).toBe(1);
  expect(served).toBe(3); // nothing is carried out that was refused
  expect(limits.addresses).toBe(1);
  socket.destroy();
  first[0]?.socket.destroy();
  let again = '';
  do ({ answer: again } = await ask(port));
  while (!again.startsWith('HTTP/1.1 200 '));
});

it('a proxy has as many as it needs: one that is named, or without a name any host of a private network', async () => {
  const named: Record<string, string>[] = [
    {},
    { TRUSTED_PROXIES: '10.0.0.0/8,127.0.0.0/8' },
    { TRUSTED_PROXIES: '127.0.0.1' },
  ];
  for (const env of named) {
    // oxlint-disable-next-line no-await-in-loop -- one setting after the other
    const { port, limits } = await serverWith({ CONNECTIONS_PER_ADDRESS: '1', ...env });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ask(port))); // oxlint-disable-line no-await-in-loop
    for (const { answer } of answers) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    expect(limits.addresses).toBe(0);
  }
});

it('a replica has so many connections in all', async () => {
  const { port, metrics } = await serverWith({ CONNECTIONS_PER_REPLICA: '2' });
  for (const { answer } of [await ask(port), await ask(port)]) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
  expect((await ask(port)).answer).toBe('closed');
  expect(await refusedBy(metrics, 'replica')).toBe(1);
});
