/** Pages of other origins call the API (CORS): which may, what they can read, and what a preflight costs. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Browser, Page } from 'playwright-core';
import { describeInBrowser, launchBrowser } from '../../emulator/test/support/browser.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, HttpClient, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { withoutDatabase } from '../support/without-database.ts';

const exposed = 'retry-after, ratelimit, ratelimit-policy, x-request-id';
const preflightOf = (method: string, origin: string) => ({
  origin,
  'access-control-request-method': method,
  'access-control-request-headers': 'authorization,content-type,idempotency-key,x-request-id',
});

/** Two sites that each serve an empty page. Their ports are their origins. */
let sites: Server[];
let [listed, foreign] = ['', ''];
/** A service for pages of every origin. */
let stagedoor: Stagedoor;
/** A service for pages of the listed origin. It has no database. */
let choosy: NestFastifyApplication;
let choosyClient: HttpClient;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  sites = [emptySite(), emptySite()];
  [listed, foreign] = (await Promise.all(sites.map(listen))) as [string, string];
  // Passport knows the strategies of one service in a process: those of the service that was made last.
  choosy = await withoutDatabase({ CORS_ORIGINS: `https://app.example.com, ${listed}`, METRICS_PUBLIC: 'true' });
  choosyClient = new HttpClient(await choosy.getHttpAdapter().getInstance().listen({ host: '127.0.0.1', port: 0 }));
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '1' });
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterAll(async () => {
  await stagedoor?.stop();
  await choosy?.close();
  for (const site of sites) site.close();
});

function emptySite(): Server {
  return createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><link rel="icon" href="data:,">');
  });
}

async function listen(site: Server): Promise<string> {
  await new Promise<void>((resolve) => site.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
}

const headersOf = ({ headers }: Answer) => ({
  origin: headers.get('access-control-allow-origin'),
  exposed: headers.get('access-control-expose-headers'),
  credentials: headers.get('access-control-allow-credentials'),
  vary: headers.get('vary'),
});

const join = (as: string) => stagedoor.post(`/v1/spaces/${space['id']}/join`, as, {});

/** Answers of every kind, whoever makes them: a handler, the guard, Fastify, its router. */
const answers: [number, string, () => Promise<Answer>][] = [
  [200, 'an answer', () => stagedoor.get('/v1/roles', tenant.key)],
  [
    204,
    'an answer without a body',
    async () => {
      await stagedoor.request('PUT', '/v1/roles/gone', { as: tenant.key, body: {} });
      return await stagedoor.request('DELETE', '/v1/roles/gone', { as: tenant.key });
    },
  ],
  [400, 'a body with a fault', () => stagedoor.post('/v1/spaces', tenant.key, { nmae: 'x' })],
  [400, 'a URL that cannot be decoded', () => stagedoor.get('/v1/spaces/%zz')],
  [401, 'no credential', () => stagedoor.get('/v1/roles')],
  [403, 'a caller who may not', () => stagedoor.get('/v1/roles', Stagedoor.operatorToken)],
  [404, 'no route', () => stagedoor.get('/v1/nothing/here')],
  [404, 'no such thing', () => stagedoor.get('/v1/spaces/spc_x', tenant.key)],
  [413, 'too large a body', () => stagedoor.post('/v1/spaces', tenant.key, { name: 'x'.repeat(70_000) })],
  [414, 'too long an id', () => stagedoor.get(`/v1/spaces/${'x'.repeat(600)}`, tenant.key)],
  [
    415,
    'a form',
    () =>
      stagedoor.request('POST', '/v1/spaces', {
        as: tenant.key,
        body: 'name=x',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
  ],
  [
    429,
    'one vend too many',
    async () => {
      const token = await tenant.issuer.token('hasty');
      await join(token);
      return await join(token);
    },
  ],
  [
    503,
    'an issuer whose keys cannot be reached',
    async () => {
      const lost = await stagedoor.createTenant();
      const [{ id }] = (await stagedoor.get('/v1/issuers', lost.key)).body['data'];
      const body = { jwksUri: 'http://127.0.0.1:1/jwks.json', jwks: null };
      await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/issuers/${id}`, { as: lost.key, body }));
      return await stagedoor.once.post(`/v1/spaces/${space['id']}/join`, await lost.issuer.token('ann'), {});
    },
  ],
];

test.each(answers)('a page of any origin may read a %i: %s', async (status, _, ask) => {
  const answer = await ask();
  expect(answer.status).toBe(status);
  expect(headersOf(answer)).toEqual({ origin: '*', exposed, credentials: null, vary: null });
  expect(answer.headers.get('x-request-id')).toMatch(/\S/);
});

test.each([
  '/health/live',
  '/health/ready',
  '/metrics',
  '/openapi.json',
  '/docs',
  '/nothing',
  '/v10/roles',
  '/docs/%zz',
])('no page of another origin may read %s', async (path) => {
  for (const [service, origin] of [
    [stagedoor, foreign],
    [choosyClient, listed],
  ] as const) {
    const headers = { origin };
    expect(headersOf(await service.request('GET', path, { headers }))).toMatchObject({
      origin: null,
      exposed: null,
      vary: null,
    });
    const asked = await service.request('OPTIONS', path, { headers: preflightOf('GET', origin) });
    expect({ ...headersOf(asked), status: asked.status }).toMatchObject({
      origin: null,
      vary: null,
      status: path.includes('%') ? 400 : 404,
    });
  }
});

test.each<[string, string | null]>([
  ['listed', 'listed'],
  ['https://app.example.com', 'https://app.example.com'],
  ['foreign', null],
  ['null', null],
  ['https://app.example.com.evil.example', null],
  ['https://APP.example.com', null],
  ['http://app.example.com', null],
])('with a list of origins, %s is answered with %s', async (given, allowed) => {
  const name = (origin: string) => (origin === 'listed' ? listed : origin === 'foreign' ? foreign : origin);
  const expected = { origin: allowed && name(allowed), exposed, credentials: null, vary: 'Origin' };
  const headers = { origin: name(given), cookie: 'session=1' };
  for (const path of ['/v1/roles', '/v1/nothing', '/v1/spaces/%zz']) {
    expect(headersOf(await choosyClient.request('GET', path, { headers }))).toEqual(expected);
  }
  const preflight = await choosyClient.request('OPTIONS', '/v1/spaces', { headers: preflightOf('POST', name(given)) });
  expect(preflight.status).toBe(204);
  expect(headersOf(preflight)).toEqual(expected);
});

test('a preflight allows every method and header that the API uses, and is kept for two hours', async () => {
  for (const path of ['/v1/spaces/spc_x/join', '/v1/nothing', '/v1/tenants?x=1', '/v1']) {
    const answer = await stagedoor.request('OPTIONS', path, { headers: preflightOf('DELETE', foreign) });
    expect(answer).toMatchObject({ status: 204, text: '' });
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
      'access-control-allow-headers': 'authorization, content-type, idempotency-key, x-request-id, x-stagedoor-tenant',
      'access-control-max-age': '7200',
      'x-request-id': expect.stringMatching(/\S/),
    });
    expect(headersOf(answer)).toEqual({ origin: '*', exposed, credentials: null, vary: null });
  }
});

test('a preflight needs no database, and counts as no vend', async () => {
  for (let times = 0; times < 100; times += 1) {
    const path = `/v1/spaces/spc_${times}/join`;
    const { status } = await choosyClient.request('OPTIONS', path, { headers: preflightOf('POST', listed) });
    expect(status).toBe(204);
  }
  // The metrics of an answer may be a second old.
  let text = '';
  await until(async () => {
    ({ text } = await choosyClient.get('/metrics'));
    return /_count\{method="OPTIONS",.*status="204"/.test(text);
  }, 'the preflights are counted');
  expect(text).not.toMatch(/^stagedoor_vends_total\{/m);
  const routes = [...text.matchAll(/_count\{method="OPTIONS",route="([^"]+)",status="204"\}/g)].map(
    ([, route]) => route,
  );
  expect(routes).toHaveLength(1);
});

test('a preflight with the body of a request is answered, and the connection goes on', async () => {
  const answer = await stagedoor.request('OPTIONS', '/v1/spaces', {
    headers: preflightOf('POST', foreign),
    body: { name: 'x'.repeat(50_000) },
  });
  expect(answer.status).toBe(204);
  expectProblem(await stagedoor.get('/v1/roles'), 'unauthenticated');
});

describeInBrowser('in Chromium', () => {
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    browser = await launchBrowser();
    page = await browser.newPage();
    page.setDefaultTimeout(60_000);
  });
  afterAll(async () => {
    await browser?.close();
  });

  /** What a page of this origin sees of the answer to its request; the text of its error if the browser refuses it. */
  async function fromPage(origin: string, url: string, token: string, method = 'POST'): Promise<Json> {
    await page.goto(origin);
    return await page.evaluate(
      async ([url = '', token = '', method = '']) => {
        const headers = {
          authorization: `Bearer ${token}`,
          'content-type': 'application/json',
          'idempotency-key': crypto.randomUUID(),
        };
        try {
          const answer = await fetch(url, { method, headers, ...(method === 'POST' && { body: '{}' }) });
          const read = ['retry-after', 'x-request-id', 'ratelimit', 'ratelimit-policy'];
          return {
            status: answer.status,
            headers: Object.fromEntries(read.map((name) => [name, answer.headers.get(name)])),
            body: (await answer.json()) as unknown,
          };
        } catch (error) {
          return { error: String(error) };
        }
      },
      [url, token, method],
    );
  }

  test('a page of another origin joins, and reads a problem with its code, retry-after and x-request-id', async () => {
    const url = `${stagedoor.url}/v1/spaces/${space['id']}/join`;
    const token = await tenant.issuer.token('browsing');
    const joined = await fromPage(foreign, url, token);
    expect(joined).toMatchObject({ status: 201, body: { userId: 'browsing', stage: { token: expect.any(String) } } });
    const refused = await fromPage(foreign, url, token);
    expect(refused).toMatchObject({
      status: 429,
      body: { code: 'rate_limited', requestId: refused['headers']['x-request-id'] },
    });
    expect(refused['headers']).toEqual({
      'retry-after': expect.stringMatching(/^\d+$/),
      'x-request-id': expect.stringMatching(/\S/),
      ratelimit: expect.stringMatching(/\S/),
      'ratelimit-policy': expect.stringMatching(/\S/),
    });
    expect(await fromPage(foreign, url, 'a.b.c')).toMatchObject({ status: 401, body: { code: 'unauthenticated' } });
    const role = await fromPage(foreign, `${stagedoor.url}/v1/roles/none`, tenant.key, 'DELETE');
    expect(role).toMatchObject({ status: 404, body: { code: 'not_found' } });
  });

  test('with a list of origins, the browser refuses a page of another one', async () => {
    const url = `${choosyClient.url}/v1/roles`;
    const known = await fromPage(listed, url, 'a', 'GET');
    expect(known).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(await fromPage(foreign, url, 'a', 'GET')).toEqual({ error: expect.stringMatching(/Failed to fetch/) });
  });
});
