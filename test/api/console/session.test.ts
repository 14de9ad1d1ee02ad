/** Signing in to the console, what a session may do, and when it ends. */
import { JwtService } from '@nestjs/jwt';
import { EventStreams } from '../../../src/events/event-streams.ts';
import { Secrets } from '../../../src/secrets/secrets.ts';
import { cookieOf, TestSession } from '../../support/console-session.ts';
import { EventReader } from '../../support/event-reader.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let globex: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  acme = await stagedoor.createTenant('acme');
  globex = await stagedoor.createTenant('globex');
});

afterAll(async () => {
  await stagedoor.stop();
});

async function newKey(scopes: string[], more: Json = {}, tenant = acme): Promise<{ id: string; key: string }> {
  const body = { name: 'Night shift', scopes, ...more };
  const made = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body));
  return { id: made['id'] as string, key: made['key'] as string };
}

function signIn(credential: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  return stagedoor.request('POST', '/console/session', { body: { credential }, headers });
}

/** The token of a session, with other claims and a good signature. */
function tokenLike(session: TestSession, changed: Record<string, unknown>): string {
  const jwt = new JwtService({ secret: stagedoor.app.get(Secrets).sessionTokenKey });
  return jwt.sign({ ...jwt.decode<Record<string, unknown>>(session.token), ...changed }, { algorithm: 'HS256' });
}

async function expectSignedOut(answer: Promise<Answer>): Promise<void> {
  expectProblem(await answer, 'unauthenticated');
  expect((await answer).headers.get('set-cookie')).toMatch(/^__Host-stagedoor=; .*Max-Age=0$/);
}

describe('signing in', () => {
  test('with an API key: the session may do what the key may, and says so', async () => {
    const { id, key } = await newKey(['spaces:read', 'moderation:write', 'events:read']);
    const session = await TestSession.signIn(stagedoor, key);
    const { body } = await session.get('/console/session');
    expect(body).toEqual({
      id: expect.stringMatching(/^cse_/),
      caller: { kind: 'apiKey', id },
      role: 'moderator',
      name: 'Night shift',
      tenant: { id: acme.id, slug: 'acme', name: 'acme' },
      scopes: ['spaces:read', 'moderation:write', 'events:read'],
      spaceIds: null,
      csrfToken: session.csrfToken,
      startedAt: expect.any(String),
      endsAt: expect.any(String),
    });
    expect((await session.get('/v1/spaces')).status).toBe(200);
    const ban = await stagedoor.expect(201, session.request('POST', '/v1/bans', { body: { userId: 'troll' } }));
    expect(ban['ban'].createdBy).toEqual({ kind: 'apiKey', id });
    expectProblem(await session.request('POST', '/v1/spaces', { body: { name: 'x' } }), 'forbidden');
    expectProblem(await session.get('/v1/tenants'), 'forbidden');
  });

  test.each([
    [['*'], 'admin'],
    [['spaces:read', 'moderation:read'], 'viewer'],
  ])('a key with %j signs in a person of the role %s', async (scopes, role) => {
    const session = await TestSession.signIn(stagedoor, (await newKey(scopes)).key);
    expect((await session.get('/console/session')).body['role']).toBe(role);
  });

  test('with the operator’s token: the session manages tenants, and sees nothing inside one', async () => {
    const session = await TestSession.signIn(stagedoor, Stagedoor.operatorToken);
    expect((await session.get('/console/session')).body).toMatchObject({ role: 'operator', tenant: null, scopes: [] });
    const { data } = await stagedoor.expect(200, session.get('/v1/tenants'));
    expect((data as Json[]).map(({ slug }) => slug as string)).toEqual(expect.arrayContaining(['acme', 'globex']));
    expectProblem(await session.get('/v1/spaces'), 'forbidden');
    const name = { name: 'Acme again' };
    expect((await session.request('PATCH', `/v1/tenants/${acme.id}`, { body: name })).status).toBe(200);
    await stagedoor.expect(200, session.request('PATCH', `/v1/tenants/${acme.id}`, { body: { name: 'acme' } }));
  });

  test('the cookie is for this host alone, no script reads it, and no other site makes the browser send it', async () => {
    const answer = await signIn(acme.key, { 'idempotency-key': 'nobody-is-known-yet' });
    expect(answer.headers.get('set-cookie')).toMatch(
      /^__Host-stagedoor=[\w-]+\.[\w-]+\.[\w-]+; Path=\/; Secure; HttpOnly; SameSite=Strict; Max-Age=1800$/,
    );
    expect(answer.text).toBe('');
  });

  test('a credential that is not good gets no cookie, and is not repeated', async () => {
    const { id, key } = await newKey(['spaces:read']);
    await stagedoor.request('DELETE', `/v1/api-keys/${id}`, { as: acme.key });
    for (const credential of [key, `${acme.key}x`, `${Stagedoor.operatorToken}x`, await acme.issuer.token('ann')]) {
      const answer = await signIn(credential);
      expectProblem(answer, 'unauthenticated');
      expect(answer.headers.get('set-cookie')).toBeNull();
      expect(answer.text).not.toContain(credential);
    }
    for (const credential of ['', 7, null, 'x'.repeat(1_025)])
      expectProblem(await signIn(credential), 'invalid_request');
  });

  test('a key cannot sign in from an address that it is not for', async () => {
    expectProblem(await signIn((await newKey(['*'], { sourceAddresses: ['192.0.2.1'] }, acme)).key), 'forbidden');
  });

  test('a page of another origin cannot sign anybody in', async () => {
    const elsewhere: [string, string][] = [
      ['origin', 'https://evil.example'],
      ['origin', 'null'],
      ['sec-fetch-site', 'cross-site'],
    ];
    for (const header of elsewhere) expectProblem(await signIn(acme.key, Object.fromEntries([header])), 'forbidden');
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const sent = stagedoor.request('POST', '/console/session', { body: `credential=${acme.key}`, headers: form });
    expectProblem(await sent, 'invalid_request', 415);
  });

  test('a caller has 20 sessions at most: the one that was used longest ago makes room', async () => {
    const { id, key } = await newKey(['spaces:read']);
    const first = await TestSession.signIn(stagedoor, key);
    const second = await TestSession.signIn(stagedoor, key);
    await stagedoor.database.query(`update console_sessions set last_used_at = last_used_at + interval '1 hour'
      where hash = '\\x${stagedoor.app.get(Secrets).hashSession(secretOf(first)).toString('hex')}'`);
    for (let n = 0; n < 19; n++) expect((await signIn(key)).status).toBe(204);
    const [found] = await stagedoor.database.query(
      `select count(*)::int as sessions from console_sessions where caller = '${id}'`,
    );
    expect(found).toEqual({ sessions: 20 });
    expect((await first.get('/console/session')).status).toBe(200);
    await expectSignedOut(second.get('/console/session'));
  });
});

function secretOf(session: TestSession): string {
  return new JwtService({}).decode<{ sid: string }>(session.token).sid;
}

describe('a request with a session', () => {
  let session: TestSession;

  beforeAll(async () => {
    session = await TestSession.signIn(stagedoor, acme.key);
  });

  const write = (headers: Record<string, string>) =>
    session.request('POST', '/v1/bans', { body: { userId: 'nobody' }, headers });

  test.each<[string, Record<string, string>]>([
    ['of another origin', { origin: 'https://evil.example' }],
    ['of another port of this host', { origin: 'http://127.0.0.1:1' }],
    ['of a page without an origin', { origin: 'null' }],
    ['that does not name its origin', { origin: '' }],
    ['that another site has caused', { 'sec-fetch-site': 'cross-site' }],
    ['without a CSRF token', { 'x-stagedoor-csrf': '' }],
    ['with another CSRF token', { 'x-stagedoor-csrf': 'x'.repeat(43) }],
  ])('is refused if it is a write %s, and changes nothing', async (_, headers) => {
    expectProblem(await write(headers), 'forbidden');
    expect((await session.get('/v1/bans?userId=nobody')).body['data']).toEqual([]);
  });

  test('is refused with the CSRF token of another session', async () => {
    const other = await TestSession.signIn(stagedoor, acme.key);
    expectProblem(await write({ 'x-stagedoor-csrf': other.csrfToken }), 'forbidden');
  });

  test('is refused if another site has caused it, also where it only reads', async () => {
    expectProblem(
      await session.request('GET', '/v1/spaces', { headers: { 'sec-fetch-site': 'same-site' } }),
      'forbidden',
    );
  });

  test('takes JSON only', async () => {
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x']) {
      const sent = session.request('POST', '/v1/bans', {
        body: '{"userId":"nobody"}',
        headers: { 'content-type': type },
      });
      expectProblem(await sent, 'invalid_request', 415);
    }
  });

  test('has one credential', async () => {
    expectProblem(await session.request('GET', '/v1/spaces', { as: acme.key }), 'unauthenticated');
    const twice = { cookie: `${session.cookie}; ${session.cookie}` };
    expectProblem(await session.request('GET', '/v1/spaces', { headers: twice }), 'unauthenticated');
    expect((await session.request('GET', '/v1/spaces', { headers: { cookie: `a=b; ${session.cookie}` } })).status).toBe(
      200,
    );
  });

  test('is the same write if its Idempotency-Key is the same: a double click acts once', async () => {
    const twice = { headers: { 'idempotency-key': 'double-click' }, body: { userId: 'twice' } };
    const answers = await Promise.all([1, 2].map(() => session.request('POST', '/v1/bans', twice)));
    await until(async () => {
      const again = await session.request('POST', '/v1/bans', twice);
      return again.status === 201;
    }, 'the first request has its answer');
    expect(answers.map(({ status }) => status).filter((status) => status !== 201 && status !== 409)).toEqual([]);
    expect((await session.get('/v1/bans?userId=twice')).body['data']).toHaveLength(1);
  });

  test('sees nothing of another tenant, whatever it asks for', async () => {
    const theirs = await stagedoor.createSpace(globex, { name: 'theirs' });
    const stolen = { 'x-stagedoor-tenant': 'globex' };
    for (const headers of [{}, stolen]) {
      expectProblem(await session.request('GET', `/v1/spaces/${theirs['id']}`, { headers }), 'not_found');
      const list = await session.request('GET', '/v1/spaces', { headers });
      expect(list.text).not.toContain(theirs['id']);
    }
    expectProblem(await session.request('POST', `/v1/spaces/${theirs['id']}/freeze`, { body: {} }), 'not_found');
    const moved = `__Host-stagedoor=${tokenLike(session, { ten: globex.id })}`;
    await expectSignedOut(session.request('GET', '/v1/spaces', { headers: { cookie: moved } }));
  });

  test('leaves neither the cookie nor the secret in the database', async () => {
    const { rows } = await everyRow();
    expect(rows).toContain('cse_');
    for (const secret of [session.token, secretOf(session), session.csrfToken]) expect(rows).not.toContain(secret);
  });

  async function everyRow(): Promise<{ rows: string }> {
    const [found] = await stagedoor.database
      .query(`select query_to_xml('select * from console_sessions', true, false, '')::text
      || query_to_xml('select * from audit', true, false, '')::text as rows`);
    return found as { rows: string };
  }
});

describe('a session ends', () => {
  test('with the sign-out: a copy of the cookie is refused, and its streams of events end', async () => {
    const { id, key } = await newKey(['spaces:read', 'events:read', 'audit:read']);
    const session = await TestSession.signIn(stagedoor, key);
    const other = await TestSession.signIn(stagedoor, key);
    const streams = await Promise.all(
      [session, other].map((one) => EventReader.open(stagedoor.url, { cookie: one.cookie })),
    );
    const answer = await session.request('DELETE', '/console/session');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toMatch(/Max-Age=0$/);
    await expectSignedOut(session.get('/v1/spaces'));
    await expectSignedOut(session.request('DELETE', '/console/session'));
    await until(() => {
      stagedoor.app.get(EventStreams).tick(performance.now() + 61_000);
      return streams[0]?.isOver ?? false;
    }, 'the stream of the session has ended');
    expect(streams.map(({ notes }) => notes.at(-1)?.data['reason'] as unknown)).toEqual(['unauthenticated', undefined]);
    expect((await other.get('/v1/spaces')).status).toBe(200);
    streams[1]?.cut();
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/audit?limit=100', acme.key));
    const mine = (data as Json[])
      .filter(({ caller }) => (caller as Json)['id'] === id)
      .map(({ action }) => action as string);
    expect(mine.sort()).toEqual(['consoleSession.create', 'consoleSession.create', 'consoleSession.end']);
  });

  test('with the API key that it was made with', async () => {
    const { id, key } = await newKey(['spaces:read']);
    const session = await TestSession.signIn(stagedoor, key);
    expect((await session.get('/v1/spaces')).status).toBe(200);
    await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/api-keys/${id}`, { as: acme.key }));
    await expectSignedOut(session.get('/v1/spaces'));
  });

  test('with the operator’s token that it was made with', async () => {
    const session = await TestSession.signIn(stagedoor, Stagedoor.operatorToken);
    await stagedoor.database.query(`update console_sessions set token_hash = 'another token' where kind = 'operator'`);
    await expectSignedOut(session.get('/v1/tenants'));
  });

  test('when it was not used for half an hour, and half a day after the sign-in', async () => {
    const session = await TestSession.signIn(stagedoor, (await newKey(['spaces:read'])).key);
    const now = Math.floor(Date.now() / 1_000);
    const old = tokenLike(session, { iat: now - 3_600, exp: now - 600 });
    await expectSignedOut(session.request('GET', '/v1/spaces', { headers: { cookie: `__Host-stagedoor=${old}` } }));
    const { id } = (await session.get('/console/session')).body as { id: string };
    await stagedoor.database.query(`update console_sessions set expires_at = now() where id = '${id}'`);
    await expectSignedOut(session.get('/v1/spaces'));
  });

  test('but not while it is used: the cookie is renewed, and the end moves', async () => {
    const session = await TestSession.signIn(stagedoor, (await newKey(['spaces:read'])).key);
    const { id } = (await session.get('/console/session')).body as { id: string };
    expect(cookieOf(await session.get('/v1/spaces'))).toBeUndefined();
    const iat = Math.floor(Date.now() / 1_000) - 300;
    const older = { cookie: `__Host-stagedoor=${tokenLike(session, { iat })}` };
    const row = `from console_sessions where id = '${id}'`;
    await stagedoor.database.query(`update console_sessions
      set last_used_at = now() - interval '5 minutes', expires_at = now() + interval '1 minute' where id = '${id}'`);
    const renewed = cookieOf(await session.request('GET', '/v1/spaces', { headers: older }));
    expect(renewed).toMatch(/^__Host-stagedoor=\S+$/);
    expect((await session.request('GET', '/v1/spaces', { headers: { cookie: renewed ?? '' } })).status).toBe(200);
    const [used] = await stagedoor.database.query(`select expires_at > now() + interval '20 minutes' as moved ${row}`);
    expect(used).toEqual({ moved: true });
    // It moves no further than half a day after the sign-in.
    await stagedoor.database.query(`update console_sessions
      set last_used_at = now() - interval '5 minutes', created_at = now() - interval '719 minutes' where id = '${id}'`);
    expect((await session.get('/v1/spaces')).status).toBe(200);
    const [late] = await stagedoor.database.query(`select expires_at < now() + interval '2 minutes' as near ${row}`);
    expect(late).toEqual({ near: true });
  });

  test('for whoever has no signature of this deployment', async () => {
    const session = await TestSession.signIn(stagedoor, acme.key);
    const forged = new JwtService({ secret: 'guessed' }).sign(new JwtService({}).decode(session.token));
    for (const token of [forged, `${session.token}x`, 'x.y.z', 'x'])
      await expectSignedOut(session.request('GET', '/v1/spaces', { headers: { cookie: `__Host-stagedoor=${token}` } }));
  });
});

test('a suspended tenant’s session may what its key may: read, ban and sign out, and nothing more', async () => {
  const tenant = await stagedoor.createTenant('late-payer');
  const session = await TestSession.signIn(stagedoor, tenant.key);
  const body = { status: 'suspended' };
  await stagedoor.expect(
    200,
    stagedoor.request('PATCH', `/v1/tenants/${tenant.id}`, { as: Stagedoor.operatorToken, body }),
  );
  expectProblem(await session.request('POST', '/v1/spaces', { body: { name: 'x' } }), 'forbidden');
  expect((await session.get('/v1/spaces')).status).toBe(200);
  expect((await session.request('POST', '/v1/bans', { body: { userId: 'troll' } })).status).toBe(201);
  expect((await session.request('DELETE', '/console/session')).status).toBe(204);
});
