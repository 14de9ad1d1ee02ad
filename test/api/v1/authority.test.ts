import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let people = 0;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
});

afterAll(async () => {
  await stagedoor.stop();
});

function somebody(): string {
  people += 1;
  return `user-${people}`;
}

const makeMember = (userId: string, role: string, spaceId = space['id']) =>
  stagedoor.expect(
    200,
    stagedoor.request('PUT', `/v1/spaces/${spaceId}/members/${userId}`, { as: tenant.key, body: { role } }),
  );

async function memberWith(role: string): Promise<{ userId: string; token: string }> {
  const userId = somebody();
  await makeMember(userId, role);
  return { userId, token: await tenant.issuer.token(userId) };
}

const ban = (as: string, userId: string, spaceId: string | undefined = space['id']) =>
  stagedoor.post('/v1/bans', as, { userId, ...(spaceId !== undefined && { spaceId }) });

/** The wish for a ban of the whole tenant. */
const everywhere = (as: string, userId: string) => stagedoor.post('/v1/bans', as, { userId });

test.each<[string, (userId: string) => [string, string, Json]]>([
  ['ban', (userId) => ['POST', '/v1/bans', { userId, spaceId: space['id'] }]],
  ['disconnect', (userId) => ['POST', `/v1/spaces/${space['id']}/users/${userId}/disconnect`, {}]],
  ['send events', () => ['POST', `/v1/spaces/${space['id']}/events`, { name: 'x' }]],
  ['delete messages', () => ['POST', `/v1/spaces/${space['id']}/messages/abcdefghijkl/delete`, {}]],
  ['see who is on the stage', () => ['GET', `/v1/spaces/${space['id']}/participants`, {}]],
  ['see the acts', () => ['GET', `/v1/actions?spaceId=${space['id']}`, {}]],
  ['see the bans', () => ['GET', `/v1/bans?spaceId=${space['id']}`, {}]],
])('who moderates may %s, and who does not may not', async (_what, request) => {
  const [moderator, viewer] = [await memberWith('moderator'), await memberWith('viewer')];
  const [method, path, body] = request(somebody());
  const send = (as: string) => stagedoor.request(method, path, { as, ...(method === 'POST' && { body }) });
  expect((await send(moderator.token)).status).toBeLessThan(300);
  expectProblem(await send(viewer.token), 'forbidden');
});

test('whether a user moderates is said by the member row, else by the claim, else by the space’s default', async () => {
  const claimed = await tenant.issuer.token(somebody(), { role: 'moderator' });
  expect((await ban(claimed, somebody())).status).toBe(201);
  const userId = somebody();
  await makeMember(userId, 'viewer');
  expectProblem(await ban(await tenant.issuer.token(userId, { role: 'moderator' }), somebody()), 'forbidden');
  expectProblem(await ban(await tenant.issuer.token(somebody(), { role: 'made-up' }), somebody()), 'forbidden');
  const assembly = await stagedoor.createSpace(tenant, { defaultRole: 'moderator' });
  expect((await ban(await tenant.issuer.token(somebody()), somebody(), assembly['id'])).status).toBe(201);
});

test('only a role that the token claims moderates the whole tenant', async () => {
  const { token } = await memberWith('host');
  expectProblem(await everywhere(token, somebody()), 'forbidden');
  expectProblem(await stagedoor.post(`/v1/users/${somebody()}/revoke`, token, {}), 'forbidden');
  const claimed = await tenant.issuer.token(somebody(), { role: 'moderator' });
  expect((await everywhere(claimed, somebody())).status).toBe(201);
  expect((await stagedoor.post(`/v1/users/${somebody()}/revoke`, claimed, {})).status).toBe(200);
});

test.each([
  ['viewer', 201],
  ['speaker', 201],
  ['moderator', 403],
  ['host', 403],
])('a moderator who bans a %s is answered %i', async (role, status) => {
  const [moderator, other] = [await memberWith('moderator'), await memberWith(role)];
  expect((await ban(moderator.token, other.userId)).status).toBe(status);
});

test('a moderator acts on nobody of his own rank or above, by whatever route, nor on himself', async () => {
  const [moderator, host] = [await memberWith('moderator'), await memberWith('host')];
  const pass = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, host.token));
  const { ban: made } = await stagedoor.expect(201, ban(tenant.key, host.userId));
  const here = `/v1/spaces/${space['id']}`;
  for (const answer of [
    await ban(moderator.token, moderator.userId),
    await stagedoor.post(`${here}/users/${host.userId}/disconnect`, moderator.token, {}),
    await stagedoor.post(`${here}/participants/${pass['stage'].participantId}/disconnect`, moderator.token, {}),
    await stagedoor.post(`/v1/grants/${pass['stage'].grantId}/revoke`, moderator.token, {}),
    await stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as: moderator.token, body: {} }),
  ]) {
    expectProblem(answer, 'forbidden');
  }
});

test('a role that was only claimed protects by what was vended for it', async () => {
  const [moderator, userId] = [await memberWith('moderator'), somebody()];
  const host = await tenant.issuer.token(userId, { role: 'host' });
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, host));
  expectProblem(await ban(moderator.token, userId), 'forbidden');
});

test('a rank in one space counts for nothing in another, but for a ban of the whole tenant', async () => {
  const other = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
  const [moderator, userId] = [await memberWith('moderator'), somebody()];
  await makeMember(userId, 'host', other['id']);
  expect((await ban(moderator.token, userId)).status).toBe(201);
  expectProblem(await everywhere(await tenant.issuer.token(somebody(), { role: 'moderator' }), userId), 'forbidden');
  expectProblem(await ban(moderator.token, somebody(), other['id']), 'forbidden');
});

test('a banned moderator moderates no more, and again once the ban is lifted', async () => {
  const { userId, token } = await memberWith('moderator');
  const { ban: made } = await stagedoor.expect(201, ban(tenant.key, userId));
  expectProblem(await ban(token, somebody()), 'banned');
  expectProblem(await stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as: token, body: {} }), 'banned');
  await stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as: tenant.key, body: {} });
  expect((await ban(token, somebody())).status).toBe(201);
});

/** Every act in the whole tenant, and every look at it. */
const inWholeTenant: [string, (userId: string) => [string, string, Json?]][] = [
  ['bans', (userId) => ['POST', '/v1/bans', { userId }]],
  ['revokes', (userId) => ['POST', `/v1/users/${userId}/revoke`, {}]],
  ['reads the ledger', () => ['GET', '/v1/grants']],
  ['reads the bans', () => ['GET', '/v1/bans']],
  ['reads the acts', () => ['GET', '/v1/actions']],
];

test.each(inWholeTenant)('who is out of one space %s nowhere in the whole tenant', async (_what, request) => {
  const [method, path, body] = request(somebody());
  const send = (as: string) => stagedoor.request(method, path, { as, ...(body && { body }) });
  const [banned, demoted, lifted, twice] = [somebody(), somebody(), somebody(), somebody()];
  const tokenOf = (userId: string) => tenant.issuer.token(userId, { role: 'moderator' });
  await stagedoor.expect(201, ban(tenant.key, banned));
  expectProblem(await send(await tokenOf(banned)), 'banned');
  await makeMember(demoted, 'viewer');
  expectProblem(await send(await tokenOf(demoted)), 'forbidden');
  // One who is in again, and one who is a moderator as a member too, may.
  const { ban: made } = await stagedoor.expect(201, ban(tenant.key, lifted));
  await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as: tenant.key, body: {} }));
  await makeMember(twice, 'host');
  for (const userId of [lifted, twice]) expect((await send(await tokenOf(userId))).status).toBeLessThan(300);
});

test('the lowest of all roles that somebody has counts in the whole tenant', async () => {
  const other = await stagedoor.createSpace(tenant);
  const [host, moderator] = [somebody(), await memberWith('moderator')];
  const token = await tenant.issuer.token(host, { role: 'host' });
  expect((await everywhere(token, moderator.userId)).status).toBe(201);
  await makeMember(host, 'moderator', other['id']);
  expectProblem(await everywhere(token, (await memberWith('moderator')).userId), 'forbidden');
});

test('a ban from a space that was deleted keeps nobody from acting', async () => {
  const other = await stagedoor.createSpace(tenant);
  const userId = somebody();
  await stagedoor.expect(201, ban(tenant.key, userId, other['id']));
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/spaces/${other['id']}`, { as: tenant.key }));
  const token = await tenant.issuer.token(userId, { role: 'moderator' });
  expect((await everywhere(token, somebody())).status).toBe(201);
});

test.each<[string, (userId: string) => [string, string, Json]]>([
  ['ban', (userId) => ['POST', '/v1/bans', { userId, spaceId: space['id'] }]],
  ['ban from the whole tenant', (userId) => ['POST', '/v1/bans', { userId }]],
  ['demote', (userId) => ['POST', `/v1/spaces/${space['id']}/users/${userId}/role`, { role: 'viewer' }]],
  ['disconnect', (userId) => ['POST', `/v1/spaces/${space['id']}/users/${userId}/disconnect`, {}]],
  ['revoke', (userId) => ['POST', `/v1/users/${userId}/revoke`, {}]],
])('a moderator by claim who was given nothing yet cannot %s themselves', async (_what, request) => {
  const userId = somebody();
  const as = await tenant.issuer.token(userId, { role: 'moderator' });
  const [method, path, body] = request(userId);
  expectProblem(await stagedoor.request(method, path, { as, body }), 'forbidden');
});

test('an API key acts on everybody, so that no tenant can lock itself out', async () => {
  await stagedoor.request('PUT', '/v1/roles/owner', { as: tenant.key, body: { moderator: true, rank: 1_000_000 } });
  const owner = await memberWith('owner');
  const { ban: made } = await stagedoor.expect(201, ban(tenant.key, owner.userId));
  expect((await stagedoor.request('DELETE', `/v1/bans/${made.id}`, { as: tenant.key, body: {} })).status).toBe(200);
});

test('an API key without the scope does not moderate', async () => {
  const { key } = await stagedoor.expect(
    201,
    stagedoor.post('/v1/api-keys', tenant.key, { name: 'reads', scopes: ['moderation:read'] }),
  );
  expectProblem(await ban(key, somebody()), 'forbidden');
  expect((await stagedoor.get('/v1/bans', key)).status).toBe(200);
});

test('what a moderator did, and why, is in the audit log under his name', async () => {
  const [moderator, userId] = [await memberWith('moderator'), somebody()];
  const answer = await stagedoor.post('/v1/bans', moderator.token, { userId, spaceId: space['id'], reason: 'spam' });
  expect(answer.body['ban'].createdBy).toEqual({ kind: 'user', id: moderator.userId });
  expect(answer.body['action'].requestedBy).toEqual({ kind: 'user', id: moderator.userId });
  const { data } = (await stagedoor.get(`/v1/audit?userId=${userId}`, tenant.key)).body;
  expect(data).toMatchObject([
    {
      action: 'ban.create',
      caller: { kind: 'user', id: moderator.userId },
      spaceId: space['id'],
      subject: answer.body['ban'].id,
      details: { reason: 'spam' },
    },
  ]);
});
