import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkedFetch } from './checked-fetch.ts';

let server: http.Server;
let url: string;
/** What the server answers, and what it has got. */
let answer: { status: number; headers: Record<string, string>; body: string };
let requests: { method: string | undefined; url: string | undefined; body: string; encoding: unknown }[];

beforeAll(async () => {
  server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text: string) => (body += text));
    request.on('end', () => {
      const { method, url: path, headers } = request;
      requests.push({ method, url: path, body, encoding: headers['accept-encoding'] });
      response.writeHead(answer.status, answer.headers).end(answer.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  requests = [];
  answer = { status: 200, headers: { 'content-type': 'application/json' }, body: '{}' };
});

const post = { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'sent' };
const send = (to = url, allowPrivateAddresses = true) => checkedFetch(to, post, { allowPrivateAddresses });

test('sends what it gets, and returns status, kind and text of the answer', async () => {
  answer = { status: 400, headers: { 'content-type': 'application/json', 'set-cookie': 'a=b' }, body: '{"error":"x"}' };
  const given = await send();
  expect([given.status, await given.text(), [...given.headers]]).toEqual([
    400,
    '{"error":"x"}',
    [['content-type', 'application/json']],
  ]);
  expect(requests).toEqual([{ method: 'POST', url: '/token', body: 'sent', encoding: 'identity' }]);
});

test('follows no redirect', async () => {
  answer = { status: 302, headers: { location: '/elsewhere' }, body: '' };
  expect((await send()).status).toBe(302);
  expect(requests).toHaveLength(1);
});

test.each([
  'http://127.0.0.1/token',
  'https://127.0.0.1/token',
  'https://169.254.169.254/',
  'https://localhost/',
  'https://a:b@login.example.com/',
  'https://login.example.com:8443/',
  'file:///etc/passwd',
])('calls no private address, and nothing but https: %s', async (to) => {
  await expect(send(to, false)).rejects.toThrow('the URL must');
});

test('takes no answer that is too large, or compressed', async () => {
  answer.body = 'x'.repeat(300 * 1024);
  await expect(send()).rejects.toThrow();
  answer = { status: 200, headers: { 'content-encoding': 'gzip' }, body: 'x' };
  await expect(send()).rejects.toThrow('compressed');
});
