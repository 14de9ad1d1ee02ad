/** Signing in to the console with an identity provider: a real one, over HTTP. */
import { expectProblem } from '../../support/problem.ts';
import { TestSession } from '../../support/console-session.ts';
import { TestBrowser, TestOidcProvider, type Tamper } from '../../support/oidc-provider.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

const attemptCookie = '__Host-stagedoor-sign-in';
const sessionCookie = '__Host-stagedoor';
const clientSecret = 'a secret of the client at the provider';

let stagedoor: Stagedoor;
let provider: TestOidcProvider;
let acme: TestTenant;
let globex: TestTenant;
let issuerId: string;
let publicIssuerId: string;
let globexIssuerId: string;

beforeAll(async () => {
  [stagedoor, provider] = await Promise.all([Stagedoor.start(), TestOidcProvider.start()]);
  const redirectUri = `${stagedoor.url}/console/sign-in/callback`;
  provider.register([
    { clientId: 'console', clientSecret, redirectUri },
    { clientId: 'console-public', redirectUri },
    { clientId: 'console-globex', redirectUri },
  ]);
  acme = await stagedoor.createTenant('acme');
  globex = await stagedoor.createTenant('globex');
  issuerId = await register(acme, { clientId: 'console', clientSecret });
  publicIssuerId = await register(acme, { clientId: 'console-public', claims: { userId: 'email' } });
  globexIssuerId = await register(globex, { clientId: 'console-globex' });
  await put(acme, 'ann', { issuerId, role: 'moderator' });
  await put(acme, 'ann@acme.example', { issuerId: publicIssuerId, role: 'viewer' });
  await put(globex, 'bob', { issuerId: globexIssuerId, role: 'admin' });
});

afterAll(async () => {
  await Promise.all([stagedoor.stop(), provider.stop()]);
});

beforeEach(() => {
  provider.account = 'ann';
  provider.claims = {};
  provider.tamper = undefined;
  provider.foreignKey = false;
  provider.requests.length = 0;
});

async function register(tenant: TestTenant, more: Json): Promise<string> {
  const body = { name: 'Staff', issuer: provider.issuer, ...more };
  return (await stagedoor.expect(201, stagedoor.post('/v1/console-issuers', tenant.key, body)))['id'] as string;
}

async function put(tenant: TestTenant, userId: string, body: Json): Promise<void> {
  const path = `/v1/console-users/${encodeURIComponent(userId)}`;
  await stagedoor.expect(200, stagedoor.request('PUT', path, { as: tenant.key, body }));
}

const startUrl = (tenant = 'acme', issuer = issuerId) =>
  `${stagedoor.url}/console/sign-in?tenant=${tenant}&issuer=${issuer}`;

/** Lets a browser go to the provider. Returns the URL that the provider sends it back to. */
async function atCallback(browser: TestBrowser, tenant = 'acme', issuer = issuerId): Promise<string> {
  return await browser.follow(startUrl(tenant, issuer), `${stagedoor.url}/console/sign-in/callback`);
}

/** Where the browser is sent at the end: signed in to `/console/`, or back with the reason. */
async function signIn(browser: TestBrowser, tenant = 'acme', issuer = issuerId): Promise<string | null> {
  const answer = await browser.get(await atCallback(browser, tenant, issuer));
  expect(answer.status).toBe(303);
  return answer.headers.get('location');
}

const cookiesOf = (browser: TestBrowser) => [...browser.jarOf(stagedoor.url).keys()];

async function sessionOf(browser: TestBrowser): Promise<TestSession> {
  return await TestSession.with(stagedoor, `${sessionCookie}=${browser.jarOf(stagedoor.url).get(sessionCookie)}`);
}

describe('a person signs in', () => {
  test('with their provider: the session is theirs, with their role', async () => {
    const browser = new TestBrowser();
    expect(await signIn(browser)).toBe('/console/');
    expect(cookiesOf(browser)).toEqual([sessionCookie]);
    const session = await sessionOf(browser);
    expect((await session.get('/console/session')).body).toMatchObject({
      caller: { kind: 'consoleUser', id: 'ann' },
      role: 'moderator',
      name: 'ann of Acme',
      tenant: { id: acme.id },
    });
    expect((await session.request('POST', '/v1/bans', { body: { userId: 'troll' } })).status).toBe(201);
    expect((await session.request('DELETE', '/console/session')).status).toBe(204);
    expectProblem(await session.get('/v1/spaces'), 'unauthenticated');
  });

  test('as a public client, by an email that the provider has verified, and by no other', async () => {
    provider.claims = { email: 'ann@acme.example', email_verified: true };
    expect(await signIn(new TestBrowser(), 'acme', publicIssuerId)).toBe('/console/');
    for (const email_verified of [false, undefined, 'false']) {
      provider.claims = { email: 'ann@acme.example', email_verified };
      expect(await signIn(new TestBrowser(), 'acme', publicIssuerId)).toBe('/console/?signIn=failed');
    }
  });

  test('to their own tenant alone', async () => {
    expect(await signIn(new TestBrowser(), 'globex', globexIssuerId)).toBe('/console/?signIn=not_a_member');
    provider.account = 'bob';
    expect(await signIn(new TestBrowser())).toBe('/console/?signIn=not_a_member');
    const browser = new TestBrowser();
    expect(await signIn(browser, 'globex', globexIssuerId)).toBe('/console/');
    const session = await sessionOf(browser);
    expect((await session.get('/console/session')).body).toMatchObject({ role: 'admin', tenant: { id: globex.id } });
    const theirs = await stagedoor.createSpace(acme);
    expectProblem(await session.get(`/v1/spaces/${theirs['id']}`), 'not_found');
    // The provider of one tenant is none of another.
    const mixed = await new TestBrowser().get(startUrl('globex', issuerId));
    expect(mixed.headers.get('location')).toBe('/console/?signIn=unknown&tenant=globex');
  });

  test('not if they refuse', async () => {
    provider.account = undefined;
    const browser = new TestBrowser();
    expect(await signIn(browser)).toBe('/console/?signIn=denied');
    expect(cookiesOf(browser)).toEqual([]);
  });
});

describe('the request to the provider', () => {
  test('has state, nonce and PKCE, and the browser a sealed cookie that says none of them', async () => {
    const answer = await new TestBrowser().get(startUrl());
    expect(answer.status).toBe(303);
    const location = new URL(answer.headers.get('location') ?? '');
    expect(location.origin).toBe(provider.issuer);
    const asked = Object.fromEntries(location.searchParams);
    expect(asked).toEqual({
      client_id: 'console',
      response_type: 'code',
      scope: 'openid profile email',
      redirect_uri: `${stagedoor.url}/console/sign-in/callback`,
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge: expect.stringMatching(/^[\w-]{43}$/),
      code_challenge_method: 'S256',
    });
    const [cookie = ''] = answer.headers.getSetCookie();
    expect(cookie).toMatch(/^__Host-stagedoor-sign-in=[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Lax; Max-Age=600$/);
    const value = Buffer.from(cookie.split(/[=;]/)[1] ?? '', 'base64url').toString('latin1');
    for (const secret of [asked['state'], asked['nonce'], acme.id]) expect(value).not.toContain(secret);
  });

  test.each(['cross-site', 'same-site', 'none'])('is not made for a navigation from elsewhere (%s)', async (site) => {
    const answer = await new TestBrowser().get(startUrl(), { 'sec-fetch-site': site });
    expect(answer.headers.get('location')).toBe('/console/?tenant=acme');
    expect(answer.headers.getSetCookie()).toEqual([]);
  });

  test('goes to providers of the tenant alone', async () => {
    for (const url of [startUrl('nobody'), startUrl('acme', 'cis_01h455vb4pex5vsknk084sn02q'), startUrl('acme', 'x')]) {
      const { searchParams, pathname } = new URL((await new TestBrowser().get(url)).headers.get('location') ?? '', url);
      expect([pathname, searchParams.get('signIn')]).toEqual(['/console/', 'unknown']);
    }
  });
});

describe('the callback is refused', () => {
  /** The provider has been asked for no token. */
  const expectNoExchange = () => expect(provider.requests.filter((one) => one.endsWith('/token'))).toEqual([]);

  test('in a browser that has begun no sign-in (login CSRF)', async () => {
    const callback = await atCallback(new TestBrowser());
    const victim = new TestBrowser();
    expect((await victim.get(callback)).headers.get('location')).toBe('/console/?signIn=expired');
    const other = new TestBrowser();
    await atCallback(other); // it has an attempt of its own, with another state
    expect((await other.get(callback)).headers.get('location')).toBe('/console/?signIn=expired');
    expect([...cookiesOf(victim), ...cookiesOf(other)]).toEqual([]);
    expectNoExchange();
  });

  test('the second time: with the cookie gone, and with a copy of it', async () => {
    const browser = new TestBrowser();
    const callback = await atCallback(browser);
    const copy = browser.jarOf(stagedoor.url).get(attemptCookie) ?? '';
    expect((await browser.get(callback)).headers.get('location')).toBe('/console/');
    expect((await browser.get(callback)).headers.get('location')).toBe('/console/?signIn=expired');
    const thief = new TestBrowser();
    thief.jarOf(stagedoor.url).set(attemptCookie, copy);
    expect((await thief.get(callback)).headers.get('location')).toBe('/console/?signIn=failed');
    expect(cookiesOf(thief)).toEqual([]);
  });

  test('with a cookie that was changed, or is none, and without a state', async () => {
    const browser = new TestBrowser();
    const callback = await atCallback(browser);
    const jar = browser.jarOf(stagedoor.url);
    const good = jar.get(attemptCookie) ?? '';
    for (const bad of [`${good.slice(0, -2)}AA`, 'x', Buffer.from('{}').toString('base64url')]) {
      jar.set(attemptCookie, bad);
      expect((await browser.get(callback)).headers.get('location')).toBe('/console/?signIn=expired');
    }
    jar.set(attemptCookie, good);
    const { origin, pathname } = new URL(callback);
    expect((await browser.get(`${origin}${pathname}?code=x`)).headers.get('location')).toBe('/console/?signIn=expired');
    expectNoExchange();
  });

  test('if the tenant has changed the provider in between', async () => {
    const own = await register(acme, { clientId: 'console-globex' });
    const browser = new TestBrowser();
    const callback = await atCallback(browser, 'acme', own);
    await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/console-issuers/${own}`, { as: acme.key }));
    expect((await browser.get(callback)).headers.get('location')).toBe('/console/?signIn=expired');
    expectNoExchange();
  });

  test.each<[string, Tamper, boolean]>([
    ['of another sign-in (nonce)', (claims) => ({ ...claims, nonce: 'another' }), false],
    ['without a nonce', ({ nonce: _, ...claims }) => claims, false],
    ['for another client (aud)', (claims) => ({ ...claims, aud: 'another' }), false],
    ['for several clients', (claims) => ({ ...claims, aud: ['console', 'another'], azp: 'another' }), false],
    ['of another issuer', (claims) => ({ ...claims, iss: 'https://evil.example' }), false],
    ['that has expired', (claims) => ({ ...claims, iat: 1_000, exp: 2_000 }), false],
    ['without a subject', ({ sub: _, ...claims }) => claims, false],
    ['that another key has signed', (claims) => claims, true],
  ])('with an ID token %s', async (_, tamper, foreignKey) => {
    provider.tamper = tamper;
    provider.foreignKey = foreignKey;
    const browser = new TestBrowser();
    expect(await signIn(browser)).toBe('/console/?signIn=failed');
    expect(cookiesOf(browser)).toEqual([]);
  });

  test('not if the ID token is as it should be', async () => {
    provider.tamper = (claims) => claims;
    expect(await signIn(new TestBrowser())).toBe('/console/');
  });
});

test('a provider that cannot be reached, or is another one than it says, is told, and asked no more for a moment', async () => {
  const gone = await register(acme, { clientId: 'gone', issuer: 'http://127.0.0.1:9/' });
  const liar = await register(acme, { clientId: 'liar', issuer: `${provider.issuer}/realms/acme` });
  for (const issuer of [gone, liar, liar]) {
    const answer = await new TestBrowser().get(startUrl('acme', issuer));
    expect(answer.headers.get('location')).toBe('/console/?signIn=failed&tenant=acme');
  }
  expect(provider.requests).toEqual(['GET /realms/acme/.well-known/openid-configuration']);
});

test('the ways to sign in are told by the slug: of no tenant, there are none', async () => {
  const ways = async (slug: string) =>
    (await stagedoor.expect(200, stagedoor.request('GET', `/console/sign-in/ways?tenant=${slug}`)))['data'] as Json[];
  expect(await ways('globex')).toEqual([{ issuerId: globexIssuerId, name: 'Staff' }]);
  expect(await ways('nobody')).toEqual([]);
  expectProblem(await stagedoor.request('GET', '/console/sign-in/ways'), 'invalid_request');
});
