import { randomUUID } from 'node:crypto';
import { newId } from '../../../src/ids.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant('acme');
});

afterAll(async () => {
  await stagedoor.stop();
});

async function newKey(scopes: string[], more: Json = {}, as = tenant.key): Promise<Json> {
  return await stagedoor.expect(201, stagedoor.post('/v1/api-keys', as, { name: 'k', scopes, ...more }));
}

function rotate(id: string, body?: Json, as = tenant.key) {
  return stagedoor.post(`/v1/api-keys/${id}/rotate`, as, body);
}

function remove(id: string, as = tenant.key) {
  return stagedoor.request('DELETE', `/v1/api-keys/${id}`, { as });
}

it('a key is shown in clear once, and never again in a list', async () => {
  const made = await newKey(['spaces:read', 'audit:read']);
  expect(made['key']).toMatch(/^sk_acme_[0-9A-Za-z]{43}_[0-9A-Za-z]{6}$/);
  const answer = await stagedoor.get('/v1/api-keys?limit=100', tenant.key);
  expect(answer.status).toBe(200);
  const { key, ...shown } = made;
  expect(answer.body['data']).toContainEqual(shown);
  expect(answer.text).not.toContain(key);
});

it('a list tells when a key was last used', async () => {
  const made = await newKey(['keys:write']);
  await stagedoor.get('/v1/api-keys', made['key']);
  const { body } = await stagedoor.get('/v1/api-keys?limit=100', tenant.key);
  const found = body['data'].find((key: Json) => key['id'] === made['id']);
  expect(Math.abs(Date.parse(found['lastUsedAt']) - Date.now())).toBeLessThan(60_000);
});

describe('scopes', () => {
  const routes: [string, string, string, Json | undefined][] = [
    ['spaces:read', 'GET', '/v1/spaces', undefined],
    ['spaces:read', 'GET', '/v1/roles', undefined],
    ['spaces:write', 'PATCH', '/v1/spaces/spc_x', { name: 'n' }],
    ['roles:write', 'PUT', '/v1/roles/probe', {}],
    ['members:write', 'DELETE', '/v1/spaces/spc_x/members/u', undefined],
    ['tokens:vend', 'POST', '/v1/spaces/spc_x/join', { userId: 'u' }],
    ['moderation:read', 'GET', '/v1/grants', undefined],
    ['keys:write', 'GET', '/v1/api-keys', undefined],
    ['keys:write', 'GET', '/v1/signing-keys', undefined],
    ['issuers:write', 'GET', '/v1/issuers', undefined],
    ['audit:read', 'GET', '/v1/audit', undefined],
  ];

  it.each(routes)('%s lets a key %s %s, and no other scope does', async (scope, method, path, body) => {
    const others = [...new Set(routes.map(([name]) => name))].filter((name) => name !== scope);
    const with_ = await newKey([scope]);
    const without = await newKey(others);
    const call = (as: string) => stagedoor.request(method, path, { as, ...(body && { body }) });
    expect([200, 201, 204, 404]).toContain((await call(with_['key'])).status);
    expectProblem(await call(without['key']), 'forbidden');
  });

  it.each(['spaces:read', '*', 'tokens:vend'])('a key cannot give %s if it lacks it', async (scope) => {
    const weak = await newKey(['keys:write', 'audit:read']);
    expectProblem(
      await stagedoor.post('/v1/api-keys', weak['key'], { name: 'x', scopes: ['audit:read', scope] }),
      'forbidden',
    );
  });

  it('moderation:write lets a key read what it did, and give a key that only reads', async () => {
    const moderates = await newKey(['moderation:write', 'keys:write']);
    for (const path of ['/v1/bans', '/v1/actions', '/v1/grants']) {
      expect((await stagedoor.get(path, moderates['key'])).status).toBe(200);
    }
    const reads = await newKey(['moderation:read'], {}, moderates['key']);
    expectProblem(await stagedoor.post('/v1/bans', reads['key'], { userId: 'u' }), 'forbidden');
  });

  it('a key can give what it has', async () => {
    const weak = await newKey(['keys:write', 'audit:read']);
    const given = await newKey(['audit:read'], {}, weak['key']);
    expect((await stagedoor.get('/v1/audit', given['key'])).status).toBe(200);
  });

  it('a key cannot rotate a stronger one, which would hand it the new key', async () => {
    const strong = await newKey(['*']);
    const weak = await newKey(['keys:write']);
    expectProblem(await rotate(strong['id'], {}, weak['key']), 'forbidden');
    expect((await stagedoor.get('/v1/spaces', strong['key'])).status).toBe(200);
  });
});

describe('revoking', () => {
  it('stops a key at once, even one that was used a moment ago', async () => {
    const made = await newKey(['spaces:read']);
    expect((await stagedoor.get('/v1/spaces', made['key'])).status).toBe(200);
    const answer = await remove(made['id']);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expectProblem(await stagedoor.get('/v1/spaces', made['key']), 'unauthenticated');
  });

  it('answers 404 the second time, and takes the key off the list', async () => {
    const made = await newKey(['spaces:read']);
    await remove(made['id']);
    expectProblem(await remove(made['id']), 'not_found');
    expect((await stagedoor.get('/v1/api-keys?limit=100', tenant.key)).text).not.toContain(made['id']);
  });

  it('lets a key revoke itself', async () => {
    const made = await newKey(['keys:write']);
    expect((await remove(made['id'], made['key'])).status).toBe(204);
    expectProblem(await stagedoor.get('/v1/api-keys', made['key']), 'unauthenticated');
  });
});

/** Brings the end of a key near, which a request sets further away so that a slow machine can use the key before it. */
async function endsInASecond(keyId: string): Promise<void> {
  await stagedoor.database.query(
    `update api_keys set expires_at = clock_timestamp() + interval '1 second' where id = $1 and expires_at is not null`,
    [keyId],
  );
}

describe('expiry', () => {
  it('stops a key by itself', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString();
    const made = await newKey(['spaces:read'], { expiresAt });
    expect(made['expiresAt']).toBe(expiresAt);
    expect((await stagedoor.get('/v1/spaces', made['key'])).status).toBe(200);
    await endsInASecond(made['id']);
    await until(async () => (await stagedoor.get('/v1/spaces', made['key'])).status === 401, 'the key expires');
  });

  it('cannot be in the past', async () => {
    const answer = await stagedoor.post('/v1/api-keys', tenant.key, {
      name: 'x',
      scopes: ['*'],
      expiresAt: '2020-01-01T00:00:00Z',
    });
    expectProblem(answer, 'invalid_request');
    expect(answer.body['errors'][0].path).toBe('expiresAt');
  });
});

describe('rotating', () => {
  it('without grace replaces the key at once', async () => {
    const old = await newKey(['spaces:read'], { name: 'web' });
    await stagedoor.get('/v1/spaces', old['key']);
    const answer = await rotate(old['id']);
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ name: 'web', scopes: ['spaces:read'], expiresAt: null });
    expect(answer.body['id']).not.toBe(old['id']);
    expect((await stagedoor.get('/v1/spaces', answer.body['key'])).status).toBe(200);
    expectProblem(await stagedoor.get('/v1/spaces', old['key']), 'unauthenticated');
  });

  it('with grace lets both work until it is over', async () => {
    const old = await newKey(['spaces:read']);
    const before = Date.now();
    const fresh = await stagedoor.expect(201, rotate(old['id'], { graceSeconds: 3_600 }));
    const { data } = (await stagedoor.get('/v1/api-keys?limit=100', tenant.key)).body;
    const end = Date.parse(data.find(({ id }: Json) => id === old['id']).expiresAt) - 3_600_000;
    expect(Math.abs(end - before)).toBeLessThan(60_000); // the clock of the database
    const both = await Promise.all([old, fresh].map((key) => stagedoor.get('/v1/spaces', key['key'])));
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
    await endsInASecond(old['id']);
    await until(async () => (await stagedoor.get('/v1/spaces', old['key'])).status === 401, 'the grace ends');
    expect((await stagedoor.get('/v1/spaces', fresh['key'])).status).toBe(200);
  });

  it('gives the new key as long a life as the old one was made for', async () => {
    const dayMs = 24 * 3600 * 1000;
    const old = await newKey(['spaces:read'], { expiresAt: new Date(Date.now() + 90 * dayMs).toISOString() });
    await stagedoor.database.query(
      `update api_keys set created_at = created_at - interval '60 days', expires_at = expires_at - interval '60 days'
        where id = $1`,
      [old['id']],
    );
    const fresh = await stagedoor.expect(201, rotate(old['id'], { graceSeconds: 60 }));
    expect(Math.abs(Date.parse(fresh['expiresAt']) - Date.now() - 90 * dayMs)).toBeLessThan(60_000);
  });

  it('works once for a key: the second time, the answer names the key that replaced it', async () => {
    const old = await newKey(['spaces:read']);
    const fresh = await stagedoor.expect(201, rotate(old['id'], { graceSeconds: 60 }));
    const again = await rotate(old['id'], { graceSeconds: 60 });
    expectProblem(again, 'conflict');
    expect(again.body['detail']).toContain(fresh['id']);
    expect(await stagedoor.expect(201, rotate(fresh['id'], { graceSeconds: 60 }))).toMatchObject({ expiresAt: null });
  });

  it('never lengthens the life of a key', async () => {
    const expiresAt = new Date(Date.now() + 60_000).toISOString();
    const old = await newKey(['spaces:read'], { expiresAt });
    await rotate(old['id'], { graceSeconds: 3600 });
    const { body } = await stagedoor.get('/v1/api-keys?limit=100', tenant.key);
    expect(body['data'].find((key: Json) => key['id'] === old['id'])['expiresAt']).toBe(expiresAt);
  });

  it.each([-1, 1.5, '60', 7 * 24 * 3600 + 1, null])('refuses %p seconds of grace', async (graceSeconds) => {
    const old = await newKey(['spaces:read']);
    expectProblem(await rotate(old['id'], { graceSeconds }), 'invalid_request');
    expect((await stagedoor.get('/v1/spaces', old['key'])).status).toBe(200);
  });

  it.each(['key_01h455vb4pex5vsknk084sn02q', 'nonsense'])('answers 404 for %s', async (id) => {
    expectProblem(await rotate(id), 'not_found');
    expectProblem(await remove(id), 'not_found');
  });

  it('answers 404 for a key that was revoked', async () => {
    const old = await newKey(['spaces:read']);
    await remove(old['id']);
    expectProblem(await rotate(old['id']), 'not_found');
  });
});

describe('no key gets further than its own scopes and its own end', () => {
  const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString();
  const isGood = async (key: Json) => (await stagedoor.get('/v1/api-keys', key['key'])).status === 200;

  it('a key revokes and rotates only keys whose scopes it has', async () => {
    const weak = await newKey(['keys:write']);
    for (const scopes of [['*'], ['keys:write', 'audit:read']]) {
      const strong = await newKey(scopes);
      expectProblem(await remove(strong['id'], weak['key']), 'forbidden');
      expectProblem(await remove(`${strong['id']}?descendants=true`, weak['key']), 'forbidden');
      expectProblem(await rotate(strong['id'], { graceSeconds: 60 }, weak['key']), 'forbidden');
      expect(await isGood(strong)).toBe(true);
    }
    const equal = await newKey(['keys:write']);
    expect((await remove(equal['id'], weak['key'])).status).toBe(204);
  });

  it('a child ends with its parent at the latest', async () => {
    const expiresAt = inAnHour();
    const parent = await newKey(['keys:write'], { expiresAt });
    const child = await newKey(['keys:write'], {}, parent['key']);
    expect(child).toMatchObject({ expiresAt, parentId: parent['id'] });
    const later = new Date(Date.parse(expiresAt) + 1).toISOString();
    const body = { name: 'x', scopes: ['keys:write'], expiresAt: later };
    const answer = await stagedoor.post('/v1/api-keys', parent['key'], body);
    expectProblem(answer, 'invalid_request');
    expect(answer.body['errors'][0]).toMatchObject({ path: 'expiresAt', message: expect.stringContaining(expiresAt) });
    const endless = await newKey(['keys:write']);
    expect(await stagedoor.expect(201, rotate(endless['id'], {}, parent['key']))).toMatchObject({ expiresAt });
  });

  it('a key that rotates itself keeps its end', async () => {
    const expiresAt = inAnHour();
    const key = await newKey(['keys:write'], { expiresAt });
    await stagedoor.database.query(
      `update api_keys set expires_at = expires_at - interval '30 minutes' where id = $1`,
      [key['id']],
    );
    const fresh = await stagedoor.expect(201, rotate(key['id'], { graceSeconds: 60 }, key['key']));
    expect(Date.parse(fresh['expiresAt'])).toBe(Date.parse(expiresAt) - 1_800_000);
  });

  it('an expired key is not rotated into a good one', async () => {
    const key = await newKey(['spaces:read'], { expiresAt: inAnHour() });
    await stagedoor.database.query(
      `update api_keys set expires_at = clock_timestamp() - interval '1 second' where id = $1`,
      [key['id']],
    );
    expectProblem(await rotate(key['id'], { graceSeconds: 60 }), 'not_found');
  });

  it('a replaced key handles no keys, but works in its grace', async () => {
    const old = await newKey(['*']);
    const other = await newKey(['spaces:read']);
    await stagedoor.expect(201, rotate(old['id'], { graceSeconds: 60 }));
    expectProblem(await stagedoor.post('/v1/api-keys', old['key'], { name: 'x', scopes: ['*'] }), 'forbidden');
    expectProblem(await rotate(other['id'], {}, old['key']), 'forbidden');
    expectProblem(await rotate(old['id'], {}, old['key']), 'forbidden');
    expectProblem(await remove(other['id'], old['key']), 'forbidden');
    expect((await stagedoor.get('/v1/spaces', old['key'])).status).toBe(200);
  });

  it('the owner of a leaked key gets rid of what a thief has made with it', async () => {
    const leaked = await newKey(['*']);
    const thiefs = await stagedoor.expect(201, rotate(leaked['id'], { graceSeconds: 60 }, leaked['key']));
    const theirs = await newKey(['*'], {}, thiefs['key']);
    const grandchild = await newKey(['*'], {}, theirs['key']);
    await stagedoor.expect(204, remove(theirs['id'])); // what a revoked key made is found all the same
    expectProblem(await rotate(leaked['id'], { graceSeconds: 60 }), 'conflict');
    await stagedoor.expect(204, remove(`${leaked['id']}?descendants=true`));
    expect(await Promise.all([leaked, thiefs, theirs, grandchild].map(isGood))).toEqual([false, false, false, false]);
    const { data } = (await stagedoor.get('/v1/audit?action=apiKey.revoke&limit=1', tenant.key)).body;
    expect(data[0]).toMatchObject({
      subject: leaked['id'],
      details: { revoked: [leaked['id'], thiefs['id'], grandchild['id']] },
    });
    expectProblem(await remove(`${leaked['id']}?descendants=true`), 'not_found');
  });

  it('a key that replaced a leaked one revokes it with what it made, and stays', async () => {
    const leaked = await newKey(['*']);
    const thiefs = await newKey(['*'], {}, leaked['key']);
    const fresh = await stagedoor.expect(201, rotate(leaked['id'], { graceSeconds: 60 }, leaked['key']));
    const mine = await newKey(['*'], {}, fresh['key']);
    await stagedoor.expect(204, remove(`${leaked['id']}?descendants=true`, fresh['key']));
    expect(await Promise.all([leaked, thiefs, fresh, mine].map(isGood))).toEqual([false, false, true, true]);
  });

  it('keys that are made while their maker is revoked are revoked too, or not made', async () => {
    for (let round = 0; round < 5; round++) {
      const maker = await newKey(['keys:write']);
      const making = Array.from({ length: 6 }, () =>
        stagedoor.post('/v1/api-keys', maker['key'], { name: 'c', scopes: ['keys:write'] }),
      );
      await Promise.race(making);
      await stagedoor.expect(204, remove(`${maker['id']}?descendants=true`));
      const made = (await Promise.all(making)).filter(({ status }) => status === 201);
      expect(await Promise.all(made.map(({ body }) => isGood(body)))).toEqual(made.map(() => false));
    }
  });

  it('the use of a key that is not good is not noted', async () => {
    const key = await newKey(['keys:write']);
    await stagedoor.expect(204, remove(key['id']));
    expect(await isGood(key)).toBe(false);
    const used = await stagedoor.database.query('select last_used_at from api_keys where id = $1', [key['id']]);
    expect(used).toEqual([{ last_used_at: null }]);
  });
});

describe('a key that is bound', () => {
  const inside = '127.0.0.0/8';

  it('to addresses can be used from those alone', async () => {
    const here = await newKey(['spaces:read'], { sourceAddresses: ['10.0.0.0/8', inside, '::1'] });
    const elsewhere = await newKey(['spaces:read'], { sourceAddresses: ['10.0.0.0/8'] });
    expect(here).toMatchObject({ sourceAddresses: ['10.0.0.0/8', inside, '::1'], roles: null, spaceIds: null });
    expect((await stagedoor.get('/v1/spaces', here['key'])).status).toBe(200);
    for (let n = 0; n < 2; n++) expectProblem(await stagedoor.get('/v1/spaces', elsewhere['key']), 'forbidden');
    const headers = { 'x-forwarded-for': '10.0.0.1' };
    const spoofed = await stagedoor.request('GET', '/v1/spaces', { as: elsewhere['key'], headers });
    expectProblem(spoofed, 'forbidden');
  });

  it('to spaces reaches nothing else', async () => {
    const [mine, other] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
    const { key } = await newKey(['*'], { spaceIds: [mine['id']] });
    expect((await stagedoor.get('/v1/spaces', key)).body['data']).toEqual([mine]);
    const reach = (method: string, path: string, body?: Json) =>
      stagedoor.request(method, path, { as: key, ...(body && { body }) });
    const good: [string, string, Json?][] = [
      ['GET', `/v1/spaces/${mine['id']}`],
      ['POST', `/v1/spaces/${mine['id']}/join`, { userId: 'u', role: 'viewer' }],
      ['GET', `/v1/grants?spaceId=${mine['id']}`],
      ['GET', `/v1/bans?spaceId=${mine['id']}`],
      ['POST', '/v1/bans', { userId: 'u', spaceId: mine['id'] }],
      ['GET', '/v1/roles'],
    ];
    for (const [method, path, body] of good) expect([200, 201]).toContain((await reach(method, path, body)).status);
    const bad: [string, string, Json?][] = [
      ['GET', `/v1/spaces/${other['id']}`],
      ['DELETE', `/v1/spaces/${other['id']}`],
      ['POST', `/v1/spaces/${other['id']}/join`, { userId: 'u', role: 'viewer' }],
      ['POST', '/v1/spaces', { name: 'More' }],
      ['GET', '/v1/grants'],
      ['GET', `/v1/grants?spaceId=${other['id']}`],
      ['GET', `/v1/grants?spaceId=${mine['id']}&spaceId=${other['id']}`],
      ['GET', '/v1/audit'],
      ['POST', '/v1/bans', { userId: 'u' }],
      ['POST', '/v1/bans', { userId: 'u', spaceId: other['id'] }],
      ['POST', `/v1/bans?spaceId=${mine['id']}`, { userId: 'u' }],
      ['POST', '/v1/users/u/revoke', {}],
      ['POST', '/v1/signing-keys', {}],
      ['GET', '/v1/issuers'],
      ['PUT', '/v1/roles/viewer', { stage: null, chat: null }],
    ];
    for (const [method, path, body] of bad) expectProblem(await reach(method, path, body), 'forbidden');
  });

  it('to spaces reaches the bans, actions and grants of these spaces by id, and no others', async () => {
    const [mine, other] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
    const { key } = await newKey(['*'], { spaceIds: [mine['id']] });
    const thingsOf = async (where: Json) => {
      const userId = randomUUID();
      const at = `/v1/spaces/${where['id'] ?? mine['id']}`;
      const join = await stagedoor.expect(201, stagedoor.post(`${at}/join`, tenant.key, { userId, role: 'viewer' }));
      const body = { userId, ...(where['id'] && { spaceId: where['id'] }) };
      const { ban, action } = await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, body));
      return { ban: ban.id as string, action: action.id as string, grant: join['stage'].grantId as string };
    };
    const routes = (things: { ban: string; action: string; grant: string }): [string, string, Json?][] => [
      ['GET', `/v1/bans/${things.ban}`],
      ['GET', `/v1/actions/${things.action}`],
      ['GET', `/v1/actions/${things.action}/targets`],
      ['POST', `/v1/grants/${things.grant}/revoke`, {}],
      ['DELETE', `/v1/bans/${things.ban}`],
    ];
    const answersTo = async (things: Parameters<typeof routes>[0]) => {
      const answers: Answer[] = [];
      for (const [method, path, body] of routes(things)) {
        answers.push(await stagedoor.request(method, path, { as: key, ...(body && { body }) }));
      }
      return answers;
    };
    const inMine = await thingsOf(mine);
    for (const answer of await answersTo(inMine)) expect([200, 202]).toContain(answer.status);
    const words = (answers: Answer[]) =>
      answers.map(({ status, body: { requestId: _, ...rest } }) => ({ status, rest }));
    const missing = words(await answersTo({ ban: newId('ban'), action: newId('act'), grant: newId('grt') }));
    expect(missing.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect(words(await answersTo(await thingsOf(other)))).toEqual(missing);
    const inTenant = await thingsOf({});
    // The grant of the third user lies in the space of the key.
    expect(words(await answersTo({ ...inTenant, grant: newId('grt') }))).toEqual(missing);
    expect(await stagedoor.get(`/v1/bans/${inTenant.ban}`, tenant.key)).toMatchObject({ body: { state: 'active' } });
  });

  it('to roles gives no other, by no way', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: 'host' });
    const { key } = await newKey(['*'], { roles: ['viewer', 'speaker'] });
    const at = `/v1/spaces/${space['id']}`;
    const reach = (method: string, path: string, body?: Json) =>
      stagedoor.request(method, path, { as: key, ...(body && { body }) });
    const good: [string, string, Json?][] = [
      ['POST', `${at}/join`, { userId: 'u', role: 'viewer' }],
      ['PUT', `${at}/members/u`, { role: 'speaker' }],
      ['PATCH', at, { defaultRole: 'viewer' }],
    ];
    for (const [method, path, body] of good)
      expect([200, 201, 202]).toContain((await reach(method, path, body)).status);
    const bad: [string, string, Json?][] = [
      ['POST', `${at}/join`, { userId: 'u', role: 'host' }],
      ['POST', `${at}/join`, { userId: 'u' }],
      ['POST', `${at}/stage-tokens`, { userId: 'u', role: 'host' }],
      ['POST', `${at}/chat-tokens`, { userId: 'u', role: 'moderator' }],
      ['PUT', `${at}/members/u`, { role: 'host' }],
      ['DELETE', `${at}/members/u`],
      ['POST', `${at}/users/u/role`, { role: 'host' }],
      ['PATCH', at, { defaultRole: 'host' }],
      ['POST', '/v1/spaces', { name: 'More', defaultRole: 'host' }],
      ['PUT', '/v1/roles/viewer', { stage: { capabilities: ['PUBLISH'] }, chat: null, moderator: true, rank: 99 }],
      ['POST', '/v1/issuers', { issuer: 'https://own.example', audience: 'a', secret: 'x'.repeat(40) }],
    ];
    for (const [method, path, body] of bad) expectProblem(await reach(method, path, body), 'forbidden');
  });

  it('makes only keys with its bounds, and handles no others', async () => {
    const bounds = { roles: ['viewer'], spaceIds: ['spc_a', 'spc_b'], sourceAddresses: [inside, '::1'] };
    const bound = await newKey(['keys:write', 'tokens:vend'], bounds);
    const free = await newKey(['tokens:vend']);
    expect(await newKey(['tokens:vend'], {}, bound['key'])).toMatchObject(bounds);
    const narrower = { spaceIds: ['spc_a'], sourceAddresses: ['127.0.0.1'] };
    expect(await newKey(['tokens:vend'], narrower, bound['key'])).toMatchObject({ ...bounds, ...narrower });
    for (const wider of [{ roles: ['host'] }, { spaceIds: ['spc_c'] }, { sourceAddresses: ['0.0.0.0/0'] }]) {
      const body = { name: 'x', scopes: ['tokens:vend'], ...wider };
      expectProblem(await stagedoor.post('/v1/api-keys', bound['key'], body), 'forbidden');
    }
    expectProblem(await rotate(free['id'], {}, bound['key']), 'forbidden');
    expectProblem(await remove(free['id'], bound['key']), 'forbidden');
    expect(await stagedoor.expect(201, rotate(bound['id']))).toMatchObject(bounds);
  });

  it.each([{ roles: [] }, { sourceAddresses: ['10'] }, { sourceAddresses: ['10.0.0.0/33'] }, { spaceIds: [''] }])(
    'cannot be bound to %j',
    async (body) => {
      expectProblem(
        await stagedoor.post('/v1/api-keys', tenant.key, { name: 'x', scopes: ['*'], ...body }),
        'invalid_request',
      );
    },
  );
});
