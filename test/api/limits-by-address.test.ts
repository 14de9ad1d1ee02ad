/** What an address may cost whose requests come with credentials, spaces and tenants that nobody knows. */
import { randomBytes } from 'node:crypto';
import { newApiKey } from '../../src/api-keys/api-key-format.ts';
import { CredentialDatabase } from '../../src/database/database.ts';
import { newId } from '../../src/ids.ts';
import { currentRequest } from '../../src/request-context.ts';
import { LocalIssuer } from '../support/local-issuer.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';

const perMinute = 20;
let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let stranger: LocalIssuer;
/** Ids of the requests for which a credential, a space or a tenant was looked up: once for each look-up. */
const lookedUp: string[] = [];

beforeAll(async () => {
  stagedoor = await Stagedoor.start({
    FAILURES_PER_ADDRESS_PER_MINUTE: String(perMinute),
    TRUSTED_PROXIES: '127.0.0.1',
  });
  const { pool } = stagedoor.app.get(CredentialDatabase, { strict: false });
  const query = pool.query.bind(pool) as (...args: unknown[]) => unknown;
  Object.assign(pool, {
    query: (...args: unknown[]) => {
      const { text = '' } = args[0] as { text?: string };
      if (/\.(find_\w+|issuers_of_place|read_issuer)\(/.test(text)) lookedUp.push(currentRequest()?.requestId ?? '');
      return query(...args);
    },
  });
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
  stranger = await LocalIssuer.create('https://stranger.example', 'stagedoor');
});

afterAll(() => stagedoor.stop());

/** A request from an address of its own, which no other test uses. */
const addressOf = () => `2001:db8:${randomBytes(2).toString('hex')}:${randomBytes(2).toString('hex')}::1`;
const sendFrom = (ip: string, method: string, path: string, as?: string, body?: unknown) =>
  stagedoor.request(method, path, { as, body, headers: { 'x-forwarded-for': ip } });

const kinds: [string, (ip: string) => Promise<Answer>][] = [
  ['keys that nobody has', (ip) => sendFrom(ip, 'GET', '/v1/spaces', newApiKey(tenant.slug))],
  [
    'issuers that nobody has registered',
    async (ip) => {
      const other = await LocalIssuer.create(`https://${randomBytes(4).toString('hex')}.example`, 'stagedoor');
      return await sendFrom(ip, 'GET', '/v1/spaces', await other.token('mallory'));
    },
  ],
  [
    'spaces that are not there',
    async (ip) => sendFrom(ip, 'POST', `/v1/spaces/${newId('spc')}/join`, await stranger.token('mallory'), {}),
  ],
  [
    'keys at the sign-in of the console',
    (ip) => sendFrom(ip, 'POST', '/console/session', undefined, { credential: newApiKey(tenant.slug) }),
  ],
  [
    'slugs at the sign-in of the console',
    (ip) => sendFrom(ip, 'GET', `/console/sign-in/ways?tenant=x-${randomBytes(4).toString('hex')}`),
  ],
];

const idOf = ({ headers }: Answer) => headers.get('x-request-id') ?? '';

test.each(kinds)('an address with many %s is told to wait before anything is looked up', async (what, send) => {
  const ip = addressOf();
  const answers = await Promise.all(Array.from({ length: perMinute * 2 }, () => send(ip)));
  const refused = answers.filter(({ status }) => status === 429);
  const served = answers.filter(({ status }) => status !== 429);
  // There is one more in each three seconds.
  expect(served.length).toBeGreaterThanOrEqual(perMinute);
  expect(refused.length).toBeGreaterThan(0);
  expect(served.every((answer) => [200, 401].includes(answer.status) && lookedUp.includes(idOf(answer)))).toBe(true);
  expect(refused.filter((answer) => lookedUp.includes(idOf(answer)))).toEqual([]);
  const policy = what.startsWith('slugs') ? 'sign-ins' : 'look-ups';
  for (const answer of refused) {
    expectProblem(answer, 'rate_limited');
    expect(Number(answer.headers.get('retry-after'))).toBeLessThanOrEqual(60 / perMinute);
    expect(answer.headers.get('ratelimit-policy')).toBe(`"${policy}";q=${perMinute};w=60`);
    expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"${policy}";r=0;t=\\d+$`));
  }
  expect([200, 401]).toContain((await send(addressOf())).status);
});

test('known people and keys are served at an address that has failed too often, and so is who comes new with a token of a known issuer', async () => {
  const ip = addressOf();
  const join = (as: string) => sendFrom(ip, 'POST', `/v1/spaces/${space['id']}/join`, as, { chat: false });
  expect((await join(await tenant.issuer.token('first'))).status).toBe(201);
  expect((await sendFrom(ip, 'GET', '/v1/spaces', tenant.key)).status).toBe(200);
  const answers = await Promise.all(
    Array.from({ length: perMinute * 2 }, () => sendFrom(ip, 'GET', '/v1/spaces', newApiKey(tenant.slug))),
  );
  expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
  expect((await join(await tenant.issuer.token('second'))).status).toBe(201);
  expect((await sendFrom(ip, 'GET', '/v1/spaces', tenant.key)).status).toBe(200);
  expect((await sendFrom(ip, 'POST', '/v1/bans', tenant.key, { userId: 'troll' })).status).toBe(201);
});

test('many requests with one new key look it up once, and cost their address nothing', async () => {
  const ip = addressOf();
  const { body } = await stagedoor.post('/v1/api-keys', tenant.key, { name: 'new', scopes: ['members:write'] });
  const before = lookedUp.length;
  const path = `/v1/spaces/${space['id']}/members/nobody`;
  const answers = await Promise.all(
    Array.from({ length: perMinute * 2 }, () => sendFrom(ip, 'DELETE', path, body['key'])),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([404]));
  expect(lookedUp.length - before).toBe(1);
  expectProblem(await sendFrom(ip, 'GET', '/v1/spaces', newApiKey(tenant.slug)), 'unauthenticated');
});

test('what an address has used up is counted', async () => {
  const metrics = await stagedoor.get('/metrics');
  expect(metrics.text).toMatch(/stagedoor_limited_requests_total\{limit="address"\} [1-9]/);
});
