import net from 'node:net';
import { expectProblem, expectProblemDocument } from '../support/problem.ts';
import { sendRaw } from '../support/raw-http.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { patienceMs } from '../support/until.ts';

const { operatorToken } = Stagedoor;
let stagedoor: Stagedoor;
let tenant: TestTenant;
let user: string;
let spaceId: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  user = await tenant.issuer.token('alice', { role: 'host' });
  spaceId = (await stagedoor.createSpace(tenant))['id'];
});

afterAll(async () => {
  await stagedoor.stop();
});

function get(path: string, headers: Record<string, string>) {
  return stagedoor.request('GET', path, { headers });
}

describe('a credential opens only what it is for', () => {
  const operatorRoutes: [string, string, Json | undefined][] = [
    ['GET', '/v1/tenants', undefined],
    ['POST', '/v1/tenants', { slug: 'mine', name: 'Mine' }],
    ['GET', '/v1/tenants/:tenant', undefined],
    ['PATCH', '/v1/tenants/:tenant', { name: 'Mine' }],
    ['POST', '/v1/tenants/:tenant/api-keys', { name: 'k', scopes: ['*'] }],
  ];
  const tenantRoutes: [string, string, Json | undefined][] = [
    ['GET', '/v1/spaces', undefined],
    ['POST', '/v1/spaces', { name: 'x' }],
    ['DELETE', '/v1/spaces/:space', undefined],
    ['POST', '/v1/spaces/:space/join', { userId: 'u' }],
    ['GET', '/v1/api-keys', undefined],
    ['POST', '/v1/api-keys', { name: 'x', scopes: ['*'] }],
    ['GET', '/v1/issuers', undefined],
    ['POST', '/v1/signing-keys', undefined],
    ['POST', '/v1/bans', { userId: 'u' }],
    ['GET', '/v1/grants', undefined],
    ['GET', '/v1/audit', undefined],
  ];
  const fill = (path: string) => path.replace(':tenant', tenant.id).replace(':space', spaceId);

  it.each(operatorRoutes)('no key and no user may %s %s', async (method, path, body) => {
    for (const as of [tenant.key, user]) {
      expectProblem(await stagedoor.request(method, fill(path), { as, body }), 'forbidden');
    }
  });

  it.each(tenantRoutes)('the operator may not %s %s, which is inside a tenant', async (method, path, body) => {
    expectProblem(await stagedoor.request(method, fill(path), { as: operatorToken, body }), 'forbidden');
  });

  it.each([...operatorRoutes, ...tenantRoutes])('nobody may %s %s without a credential', async (method, path, body) => {
    const answer = await stagedoor.request(method, fill(path), { body });
    expectProblem(answer, 'unauthenticated');
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });
});

describe('the header', () => {
  it.each<[string, (key: string) => string]>([
    ['in lower case', (key) => `bearer ${key}`],
    ['in upper case', (key) => `BEARER ${key}`],
    ['with more blanks between', (key) => `Bearer   ${key}`],
    ['with blanks after', (key) => `Bearer ${key}  `],
  ])('is understood %s', async (_what, header) => {
    expect((await get('/v1/spaces', { authorization: header(tenant.key) })).status).toBe(200);
  });

  it.each<[string, (key: string) => string]>([
    ['of another scheme', (key) => `Basic ${Buffer.from(`${key}:`).toString('base64')}`],
    ['of a made-up scheme', (key) => `Token ${key}`],
    ['without a scheme', (key) => key],
    ['without a blank', (key) => `Bearer${key}`],
    ['with a colon', (key) => `Bearer: ${key}`],
    ['with two credentials', (key) => `Bearer ${key}, Bearer ${key}`],
    ['with something after it', (key) => `Bearer ${key} x`],
    ['in quotes', (key) => `Bearer "${key}"`],
    ['with nothing', () => 'Bearer'],
    ['with a key cut off', (key) => `Bearer ${key.slice(0, -1)}`],
    ['with a key and one more character', (key) => `Bearer ${key}a`],
    ['with a key in another case', (key) => `Bearer ${key.toUpperCase()}`],
    [
      'with a key of one other character',
      (key) => `Bearer ${key.slice(0, 20)}${key[20] === 'a' ? 'b' : 'a'}${key.slice(21)}`,
    ],
    ['with 15 kB of nonsense', () => `Bearer ${'x'.repeat(15_000)}`],
    ['with a key of 15 kB', () => `Bearer sk_${'x'.repeat(15_000)}`],
    ['with a JWT of 15 kB', () => `Bearer ${'x'.repeat(5_000)}.${'y'.repeat(5_000)}.${'z'.repeat(4_990)}`],
    ['with three dots', () => 'Bearer a.b.c.d'],
    ['with empty parts', () => 'Bearer ..'],
  ])('is refused %s, and nothing of it is repeated', async (_what, header) => {
    const authorization = header(tenant.key);
    const answer = await get('/v1/spaces', { authorization });
    expectProblem(answer, 'unauthenticated');
    expect(answer.text).not.toContain(tenant.key.slice(-20));
    if (authorization.length > 20) expect(answer.text).not.toContain(authorization.slice(-12));
  });

  it.each(['x-api-key', 'x-authorization', 'proxy-authorization', 'cookie', 'x-forwarded-authorization'])(
    'counts only by its own name, and not as %s',
    async (name) => {
      expectProblem(await get('/v1/spaces', { [name]: `Bearer ${tenant.key}` }), 'unauthenticated');
    },
  );

  it('sent twice never adds up: a good one behind another does not count', async () => {
    const other = await sendRaw(
      stagedoor.url,
      request('GET /v1/spaces', [`authorization: Bearer ${operatorToken}`, `authorization: Bearer ${tenant.key}`]),
    );
    expect([401, 403]).toContain(other.status);
    const none = await sendRaw(
      stagedoor.url,
      request('GET /v1/spaces', ['authorization: Basic eDp5', `authorization: Bearer ${tenant.key}`]),
    );
    expect(none.status).toBe(401);
  });

  it.each(['access_token', 'api_key', 'key', 'token', 'authorization'])(
    'cannot be replaced by %s in the address or the body',
    async (name) => {
      const query = `?${name}=${encodeURIComponent(tenant.key)}`;
      const url = await stagedoor.get(`/v1/spaces${query}`);
      expectProblem(url, 'unauthenticated');
      const body = await stagedoor.request('POST', '/v1/spaces', { body: { name: 'x', [name]: tenant.key } });
      expectProblem(body, 'unauthenticated');
      // Even beside a good header: whoever does this is to notice.
      const both = await stagedoor.get(`/v1/spaces${query}`, tenant.key);
      expectProblem(both, 'invalid_request');
      expect(url.text + body.text + both.text).not.toContain(tenant.key);
    },
  );
});

/** A request as bytes, whose connection is closed after it. */
function request(line: string, headers: string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'host: localhost', 'connection: close', ...headers, '', body].join('\r\n');
}

describe('without a credential, no spelling of an address gets past the door', () => {
  const spellings: [string, (path: string) => string][] = [
    ['a slash encoded', (path) => path.replace('/v1/', '/v1%2F')],
    ['a slash encoded twice', (path) => path.replace('/v1/', '/v1%252F')],
    ['a letter encoded', (path) => path.replace(/[a-z]$/, (letter) => `%${letter.charCodeAt(0).toString(16)}`)],
    ['a g encoded', (path) => path.replace('g', '%67')],
    ['the v encoded', (path) => path.replace('/v1', '/%76%31')],
    ['a double slash at the start', (path) => `/${path}`],
    ['a double slash inside', (path) => path.replace('/v1/', '/v1//')],
    ['upper case', (path) => path.toUpperCase()],
    ['a capital', (path) => path.replace('/v1', '/V1')],
    ['a trailing slash', (path) => `${path}/`],
    ['a trailing dot', (path) => `${path}/.`],
    ['a trailing semicolon', (path) => `${path};x=y`],
    ['a trailing blank', (path) => `${path}%20`],
    ['a trailing NUL', (path) => `${path}%00`],
    ['an empty query', (path) => `${path}?`],
    ['a public address before it', (path) => `/health/live/../..${path}`],
    ['a public address before it, encoded', (path) => `/health/live/%2e%2e/%2e%2e${path}`],
    ['the documentation before it', (path) => `/docs/..${path}`],
    ['a backslash', (path) => path.replace('/v1/', '/v1\\')],
    ['an absolute address', (path) => `http://localhost${path}`],
    ['the absolute address of another host', (path) => `http://169.254.169.254${path}`],
    ['a fragment', (path) => `${path}#/health/live`],
    ['a file name', (path) => `${path}.json`],
  ];
  const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT', 'PROPFIND', 'get'];

  it.each(spellings)('%s', async (_what, spell) => {
    const paths = ['/v1/signing-keys', '/v1/spaces', '/v1/tenants', `/v1/spaces/${spaceId}`].map(spell);
    const answers = await Promise.all(
      paths.flatMap((path) =>
        methods.map(async (method) => {
          const { status, text } = await sendRaw(stagedoor.url, request(`${method} ${path}`, ['content-length: 0']));
          return { method, path, status, text };
        }),
      ),
    );
    for (const answer of answers) {
      // 0: the connection was closed without an answer, as CONNECT is. Every OPTIONS under /v1 is answered as a preflight,
      // whatever is at the address, and its answer holds nothing.
      const isPreflight = answer.method === 'OPTIONS' && answer.status === 204 && answer.text === '';
      const shut = answer.status === 0 || answer.status >= 400 || isPreflight;
      expect({ ...answer, shut }).toEqual({ ...answer, shut: true });
    }
  });

  it.each(['x-http-method-override', 'x-http-method', 'x-method-override'])(
    '%s does not change the method',
    async (name) => {
      const made = await stagedoor.createSpace(tenant, { room: false });
      const as = { as: tenant.key, headers: { [name]: 'DELETE' } };
      expect((await stagedoor.request('GET', `/v1/spaces/${made['id']}`, as)).status).toBe(200);
      expect((await stagedoor.get(`/v1/spaces/${made['id']}?_method=DELETE`, tenant.key)).status).not.toBe(204);
      expect((await stagedoor.get(`/v1/spaces/${made['id']}`, tenant.key)).status).toBe(200);
    },
  );

  it.each(['x-original-url', 'x-rewrite-url', 'x-forwarded-path'])('%s does not change the address', async (name) => {
    const live = await get('/health/live', { [name]: '/v1/spaces' });
    expect(live.text).not.toContain('spc_');
    expectProblem(await get('/v1/spaces', { [name]: '/health/live' }), 'unauthenticated');
  });

  it('HEAD answers as GET does, with nothing in it', async () => {
    const [head, bare] = await Promise.all([
      stagedoor.request('HEAD', '/v1/spaces', { as: tenant.key }),
      stagedoor.request('HEAD', '/v1/spaces'),
    ]);
    expect([head.status, head.text, bare.status]).toEqual([200, '', 401]);
  });
});

describe('a request that two servers could read in two ways is refused', () => {
  const inner = 'GET /v1/spaces HTTP/1.1\r\nhost: x\r\n\r\n';

  it.each<[string, string[], string]>([
    ['Transfer-Encoding and Content-Length', ['transfer-encoding: chunked', 'content-length: 4'], `0\r\n\r\n${inner}`],
    ['Content-Length and Transfer-Encoding', ['content-length: 4', 'transfer-encoding: chunked'], `0\r\n\r\n${inner}`],
    ['two lengths', ['content-length: 0', `content-length: ${inner.length}`], inner],
    ['a list of lengths', [`content-length: 0, ${inner.length}`], inner],
    ['a length with a sign', ['content-length: +2'], '{}'],
    ['a length that is none', ['content-length: 0x2'], '{}'],
    ['an unknown encoding', ['transfer-encoding: xchunked'], `0\r\n\r\n`],
    ['chunked not last', ['transfer-encoding: chunked, identity'], `0\r\n\r\n`],
    ['a blank before the colon', ['content-length : 2'], '{}'],
    ['a folded header', ['transfer-encoding:\r\n chunked'], `0\r\n\r\n`],
    ['a chunk of a wrong length', ['transfer-encoding: chunked'], `zz\r\n{}\r\n0\r\n\r\n`],
    ['a bare line feed', ['x: y\ntransfer-encoding: chunked'], `0\r\n\r\n`],
  ])('%s', async (_what, headers, body) => {
    const type = 'content-type: application/json';
    const line = 'POST /v1/spaces HTTP/1.1\r\nhost: x';
    const bytes = [line, `authorization: Bearer ${tenant.key}`, type, ...headers, '', body].join('\r\n');
    const before = await count();
    const text = await readAll(bytes);
    expect(text.match(/^HTTP\/1\.1 \d+/gm)).toEqual(['HTTP/1.1 400']);
    expect(text).toMatch(/content-type: application\/problem\+json/i);
    expect(await count()).toBe(before);
  });

  async function count(): Promise<number> {
    return (await stagedoor.get('/v1/spaces?limit=100', tenant.key)).body['data'].length;
  }

  /** All that comes back until the server closes. */
  async function readAll(bytes: string): Promise<string> {
    const { hostname, port } = new URL(stagedoor.url);
    const socket = net.connect(Number(port), hostname);
    let text = '';
    socket.setEncoding('latin1').on('data', (data: string) => (text += data));
    socket.on('error', () => undefined).setTimeout(patienceMs, () => socket.destroy());
    socket.end(bytes);
    await new Promise((resolve) => socket.once('close', resolve));
    return text;
  }

  it('headers of 100 kB are refused', async () => {
    const answer = await sendRaw(
      stagedoor.url,
      request('GET /v1/spaces', [`authorization: Bearer ${'x'.repeat(100_000)}`]),
    );
    expect(answer.status).toBe(431);
    const body = JSON.parse(answer.text) as Json;
    expectProblemDocument({ ...answer, body });
  });

  it('two thousand headers are refused, or do no harm', async () => {
    const many = Array.from({ length: 2_500 }, (_, n) => `h${n}: 1`);
    const answer = await sendRaw(stagedoor.url, request('GET /v1/spaces', many));
    expect([401, 431]).toContain(answer.status);
  });
});

describe('two Authorization headers', () => {
  it.each(['good first', 'bad first', 'the same twice'])('are refused: %s', async (order) => {
    const other = order === 'the same twice' ? tenant.key : 'sk_bad';
    const both = [`Authorization: Bearer ${tenant.key}`, `authorization: Bearer ${other}`];
    if (order === 'bad first') both.reverse();
    const answer = await sendRaw(stagedoor.url, `GET /v1/spaces HTTP/1.1\r\nHost: x\r\n${both.join('\r\n')}\r\n\r\n`);
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      401,
      { code: 'unauthenticated', detail: 'Send one Authorization header.' },
    ]);
  });
});

it('the token of the operator, sent as x-request-id, is not sent back', async () => {
  const { headers, text } = await get('/v1/spaces', { 'x-request-id': operatorToken });
  expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  expect(text).not.toContain(operatorToken);
});
