/** The people of the console: who gives them roles, and what each role may do from then on. */
import { ConsoleSessions } from '../../../src/console/console-sessions.ts';
import { TestSession } from '../../support/console-session.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let acme: TestTenant;
let issuerId: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  acme = await stagedoor.createTenant('acme');
  issuerId = await newIssuer();
});

afterAll(async () => {
  await stagedoor.stop();
});

let clients = 0;

async function newIssuer(tenant = acme, more: Json = {}): Promise<string> {
  clients += 1;
  const body = {
    name: 'Staff',
    issuer: 'https://login.example.com/',
    clientId: `console-${clients}`,
    ...more,
  };
  return (await stagedoor.expect(201, stagedoor.post('/v1/console-issuers', tenant.key, body)))['id'] as string;
}

function put(userId: string, role: string, more: Json = {}, as = acme.key): Promise<Answer> {
  const path = `/v1/console-users/${encodeURIComponent(userId)}`;
  return stagedoor.request('PUT', path, {
    as,
    body: { issuerId, role, ...more },
  });
}

/** Signs in a person whom their provider has named. */
async function signIn(userId: string, of = { issuerId, issuerVersion: 1 }): Promise<TestSession | undefined> {
  const person = { tenantId: acme.id, ...of, userId, name: 'Ann Lee' };
  const cookie = await stagedoor.app.get(ConsoleSessions).signInPerson(person);
  return cookie === undefined ? undefined : await TestSession.with(stagedoor, cookie.split(';')[0] ?? '');
}

async function signedIn(userId: string, role: string): Promise<TestSession> {
  await stagedoor.expect(200, put(userId, role));
  const session = await signIn(userId);
  if (!session) throw new Error('nobody is signed in');
  return session;
}

describe('a person of the console', () => {
  test.each<[string, string[], Json]>([
    ['viewer', ['spaces:read', 'moderation:read', 'events:read'], { bans: 200, ban: 403, audit: 403, space: 403 }],
    [
      'moderator',
      ['spaces:read', 'moderation:write', 'events:read', 'audit:read'],
      { bans: 200, ban: 201, audit: 200, space: 403 },
    ],
    ['admin', ['*'], { bans: 200, ban: 201, audit: 200, space: 201 }],
  ])('a %s may do what the role allows, and the session says so', async (role, scopes, may) => {
    const session = await signedIn(`the-${role}`, role);
    expect((await session.get('/console/session')).body).toMatchObject({
      caller: { kind: 'consoleUser', id: `the-${role}` },
      role,
      name: 'Ann Lee',
      tenant: { id: acme.id, slug: 'acme', name: 'acme' },
      scopes,
      spaceIds: null,
    });
    const write = (path: string, body: Json) => session.request('POST', path, { body });
    expect({
      bans: (await session.get('/v1/bans')).status,
      ban: (await write('/v1/bans', { userId: 'troll' })).status,
      audit: (await session.get('/v1/audit')).status,
      space: (await write('/v1/spaces', { name: 'New', stage: false })).status,
    }).toEqual(may);
    expectProblem(await session.get('/v1/tenants'), 'forbidden');
    const people = await session.get('/v1/console-users');
    expect(people.status).toBe(role === 'admin' ? 200 : 403);
  });

  test('is named by what they do: in answers, and in the audit log', async () => {
    const session = await signedIn('auth0|ann', 'moderator');
    const by = { kind: 'consoleUser', id: 'auth0|ann' };
    const body = { userId: 'loud', reason: 'rude' };
    const { ban } = await stagedoor.expect(201, session.request('POST', '/v1/bans', { body }));
    expect(ban.createdBy).toEqual(by);
    await stagedoor.expect(204, session.request('DELETE', '/console/session'));
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/audit?limit=100', acme.key));
    const theirs = (data as Json[]).filter(({ caller }) => (caller as Json)['id'] === by.id);
    expect(theirs.map(({ action, caller }) => [action as string, caller as Json]).reverse()).toEqual([
      ['consoleSession.create', by],
      ['ban.create', by],
      ['consoleSession.end', by],
    ]);
  });

  test('has another role at once: what it does not allow is refused to the sessions that they have', async () => {
    const session = await signedIn('climber', 'moderator');
    const ban = () => session.request('POST', '/v1/bans', { body: { userId: 'nobody' } });
    expect((await ban()).status).toBe(201);
    await stagedoor.expect(200, put('climber', 'viewer'));
    expectProblem(await ban(), 'forbidden');
    await stagedoor.expect(200, put('climber', 'admin'));
    expect((await session.get('/v1/api-keys')).status).toBe(200);
  });

  test('is out at once when they are removed, and an old session is good for nothing after they came back', async () => {
    const session = await signedIn('leaver', 'admin');
    await stagedoor.expect(204, stagedoor.request('DELETE', '/v1/console-users/leaver', { as: acme.key }));
    expectProblem(await session.get('/v1/spaces'), 'unauthenticated');
    expect(await signIn('leaver')).toBeUndefined();
    await stagedoor.expect(200, put('leaver', 'admin'));
    expectProblem(await session.get('/v1/spaces'), 'unauthenticated');
    expect((await (await signIn('leaver'))?.get('/v1/spaces'))?.status).toBe(200);
    const gone = await stagedoor.request('DELETE', '/v1/console-users/nobody-here', { as: acme.key });
    expectProblem(gone, 'not_found');
  });

  test('signs in with their own provider, as it is registered', async () => {
    const other = await newIssuer();
    await stagedoor.expect(200, put('bound', 'viewer'));
    expect(await signIn('bound', { issuerId: other, issuerVersion: 1 })).toBeUndefined();
    expect(await signIn('bound', { issuerId, issuerVersion: 2 })).toBeUndefined();
    const session = await signedIn('bound', 'viewer');
    await stagedoor.expect(200, put('bound', 'viewer', { issuerId: other }));
    expectProblem(await session.get('/v1/spaces'), 'unauthenticated');
    await stagedoor.expect(200, put('bound', 'viewer'));
    expectProblem(await session.get('/v1/spaces'), 'unauthenticated');
  });

  test('makes, rotates and revokes keys as an admin, and no key hangs on their going', async () => {
    const session = await signedIn('key-maker', 'admin');
    const body = { name: 'Back end', scopes: ['spaces:read'] };
    const made = await stagedoor.expect(201, session.request('POST', '/v1/api-keys', { body }));
    expect(made['parentId']).toBeNull();
    const rotate = session.request('POST', `/v1/api-keys/${made['id']}/rotate`, { body: { graceSeconds: 0 } });
    const next = await stagedoor.expect(201, rotate);
    await stagedoor.expect(
      204,
      stagedoor.request('DELETE', '/v1/console-users/key-maker', {
        as: acme.key,
      }),
    );
    expect((await stagedoor.get('/v1/spaces', next['key'] as string)).status).toBe(200);
    const again = await signedIn('key-maker', 'admin');
    await stagedoor.expect(204, again.request('DELETE', `/v1/api-keys/${next['id']}?descendants=true`));
    expectProblem(await stagedoor.get('/v1/spaces', next['key'] as string), 'unauthenticated');
  });

  test('gets tokens for users as an admin, but no exchange token of anybody', async () => {
    const space = await stagedoor.createSpace(acme, { room: false });
    const session = await signedIn('host-maker', 'admin');
    const join = { body: { userId: 'sam', role: 'speaker' } };
    await stagedoor.expect(201, session.request('POST', `/v1/spaces/${space['id']}/join`, join));
    const change = (body: Json) =>
      session.request('POST', `/v1/spaces/${space['id']}/users/sam/role`, {
        body: { role: 'viewer', ...body },
      });
    expectProblem(await change({ attributes: { a: 'b' } }), 'forbidden');
    expect((await change({})).body['exchange']).toBeNull();
  });

  test('may do during a suspension what its key may: read, ban, and be removed', async () => {
    const session = await signedIn('night-shift', 'admin');
    const suspend = (status: string) =>
      stagedoor.expect(
        200,
        stagedoor.request('PATCH', `/v1/tenants/${acme.id}`, {
          as: Stagedoor.operatorToken,
          body: { status },
        }),
      );
    await suspend('suspended');
    expectProblem(
      await session.request('POST', '/v1/spaces', {
        body: { name: 'x', stage: false },
      }),
      'forbidden',
    );
    expectProblem(
      await session.request('PUT', '/v1/console-users/x', {
        body: { issuerId, role: 'viewer' },
      }),
      'forbidden',
    );
    expect((await session.request('POST', '/v1/bans', { body: { userId: 'late' } })).status).toBe(201);
    expect((await session.request('DELETE', '/v1/console-users/night-shift')).status).toBe(204);
    await suspend('active');
  });
});

describe('roles are given', () => {
  test('by whoever may do everything, and by nobody else', async () => {
    const scoped = {
      name: 'x',
      scopes: ['keys:write', 'issuers:write', 'members:write', 'moderation:write'],
    };
    const bounds = [{ roles: ['viewer', 'moderator'] }, { spaceIds: ['spc_x'] }, { sourceAddresses: ['0.0.0.0/0'] }];
    const keys = [scoped, ...bounds.map((bound) => ({ name: 'x', scopes: ['*'], ...bound }))];
    for (const body of keys) {
      const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', acme.key, body));
      expectProblem(await put('friend', 'viewer', {}, key as string), 'forbidden');
      expectProblem(
        await stagedoor.request('DELETE', '/v1/console-users/nobody', {
          as: key as string,
        }),
        'forbidden',
      );
      const issuer = {
        name: 'Mine',
        issuer: 'https://evil.example/',
        clientId: 'x',
      };
      expectProblem(await stagedoor.post('/v1/console-issuers', key as string, issuer), 'forbidden');
    }
    const user = await acme.issuer.token('host', { role: 'host' });
    expectProblem(await put('friend', 'viewer', {}, user), 'forbidden');
    expectProblem(await put('friend', 'viewer', {}, Stagedoor.operatorToken), 'forbidden');
    const unknown = { issuerId: 'cis_01h455vb4pex5vsknk084sn02q' };
    expectProblem(await put('friend', 'viewer', unknown), 'not_found');
  });

  test.each<[string, Json]>([
    ['a role that does not exist', { role: 'owner' }],
    ['no provider', { issuerId: undefined }],
    ['an empty name', { name: '' }],
    ['a field that does not exist', { scopes: ['*'] }],
  ])('but not with %s', async (_, more) => {
    expectProblem(await put('friend', 'viewer', more), 'invalid_request');
  });

  test('once for a repeated request', async () => {
    const headers = { 'idempotency-key': 'twice' };
    const body = { issuerId, role: 'viewer', name: 'Once' };
    const send = () =>
      stagedoor.request('PUT', '/v1/console-users/once', {
        as: acme.key,
        body,
        headers,
      });
    const first = await stagedoor.expect(200, send());
    await stagedoor.expect(204, stagedoor.request('DELETE', '/v1/console-users/once', { as: acme.key }));
    expect(await stagedoor.expect(200, send())).toEqual(first);
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/console-users?limit=100', acme.key));
    expect((data as Json[]).map(({ userId }) => userId as string)).not.toContain('once');
  });
});

describe('an identity provider for the console', () => {
  test('is registered, shown without its secret, changed and deleted', async () => {
    const body = {
      name: 'Staff',
      issuer: 'https://login.example.com/realms/acme',
      clientId: 'console',
      clientSecret: 'a secret of the client',
    };
    const made = await stagedoor.expect(201, stagedoor.post('/v1/console-issuers', acme.key, body));
    const { clientSecret, ...shown } = body;
    expect(made).toEqual({
      ...shown,
      id: expect.stringMatching(/^cis_/),
      hasClientSecret: true,
      scopes: ['openid', 'profile', 'email'],
      claims: { userId: 'sub', name: 'name' },
      createdAt: expect.any(String),
      updatedAt: expect.any(String),
    });
    expectProblem(await stagedoor.post('/v1/console-issuers', acme.key, body), 'conflict');
    const [stored] = await stagedoor.database.query(
      `select encode(client_secret, 'escape') as secret from console_issuers where id = '${made['id']}'`,
    );
    expect(stored?.['secret']).not.toContain(clientSecret);
    const path = `/v1/console-issuers/${made['id']}`;
    const patch = (change: Json) => stagedoor.request('PATCH', path, { as: acme.key, body: change });
    expect(await stagedoor.expect(200, patch({ name: 'Crew', clientSecret: null }))).toMatchObject({
      name: 'Crew',
      hasClientSecret: false,
    });
    expectProblem(await patch({}), 'invalid_request');
    expect((await stagedoor.get(path, acme.key)).body).toMatchObject({
      name: 'Crew',
    });
    await stagedoor.expect(204, stagedoor.request('DELETE', path, { as: acme.key }));
    expectProblem(await stagedoor.get(path, acme.key), 'not_found');
  });

  test.each<[string, Json]>([
    ['a URL that is none', { issuer: 'login' }],
    ['another protocol', { issuer: 'ftp://login.example.com/' }],
    ['a password in the URL', { issuer: 'https://a:b@login.example.com/' }],
    ['a query in the URL', { issuer: 'https://login.example.com/?a=b' }],
    ['scopes without openid', { scopes: ['profile'] }],
    ['a scope that is none', { scopes: ['openid', 'a b'] }],
    ['a path that is none', { claims: { userId: 'a..b' } }],
  ])('is not registered with %s', async (_, more) => {
    const body = {
      name: 'Staff',
      issuer: 'https://login.example.com/',
      clientId: 'faulty',
      ...more,
    };
    expectProblem(await stagedoor.post('/v1/console-issuers', acme.key, body), 'invalid_request');
  });

  test('names other people with another client or other claims, so their sessions end; a new secret ends none', async () => {
    const own = await newIssuer();
    await stagedoor.expect(200, put('pat', 'viewer', { issuerId: own }));
    const change = (body: Json) =>
      stagedoor.expect(
        200,
        stagedoor.request('PATCH', `/v1/console-issuers/${own}`, {
          as: acme.key,
          body,
        }),
      );
    let version = 1;
    for (const [body, ends] of [
      [{ clientSecret: 'the next secret' }, false],
      [{ claims: { userId: 'email' } }, true],
      [{ clientId: 'another' }, true],
    ] as const) {
      const session = await signIn('pat', {
        issuerId: own,
        issuerVersion: version,
      });
      await change(body);
      version += 1;
      expect((await session?.get('/v1/spaces'))?.status).toBe(ends ? 401 : 200);
    }
    const session = await signIn('pat', {
      issuerId: own,
      issuerVersion: version,
    });
    await stagedoor.expect(
      204,
      stagedoor.request('DELETE', `/v1/console-issuers/${own}`, {
        as: acme.key,
      }),
    );
    expect((await session?.get('/v1/spaces'))?.status).toBe(401);
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/console-users?limit=100', acme.key));
    expect((data as Json[]).map(({ userId }) => userId as string)).not.toContain('pat');
  });
});
