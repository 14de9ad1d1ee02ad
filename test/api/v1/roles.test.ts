import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
});

afterAll(async () => {
  await stagedoor.stop();
});

function put(name: string, body: unknown) {
  return stagedoor.request('PUT', `/v1/roles/${name}`, { as: tenant.key, body });
}

function remove(name: string) {
  return stagedoor.request('DELETE', `/v1/roles/${name}`, { as: tenant.key });
}

const builtIn = (capabilities: string[], moderator: boolean, rank: number) => ({
  stage: { capabilities, ttlSeconds: 600 },
  chat: { capabilities: ['SEND_MESSAGE'], sessionMinutes: 60 },
  moderator,
  rank,
  attributes: {},
  clientAttributes: [],
});

it('a tenant starts with host, moderator, speaker and viewer', async () => {
  const { status, body } = await stagedoor.get('/v1/roles', tenant.key);
  expect(status).toBe(200);
  expect(body).toEqual({
    data: [
      { name: 'host', ...builtIn(['PUBLISH', 'SUBSCRIBE'], true, 30) },
      { name: 'moderator', ...builtIn(['SUBSCRIBE'], true, 20) },
      { name: 'speaker', ...builtIn(['PUBLISH', 'SUBSCRIBE'], false, 10) },
      { name: 'viewer', ...builtIn(['SUBSCRIBE'], false, 0) },
    ],
    nextCursor: null,
  });
});

it.each<[string, Json, Json]>([
  ['nothing said', {}, { stage: null, chat: null, moderator: false, rank: 0, attributes: {}, clientAttributes: [] }],
  [
    'only a stage',
    { stage: { capabilities: ['PUBLISH'] } },
    { stage: { capabilities: ['PUBLISH'], ttlSeconds: 600 }, chat: null },
  ],
  [
    'only a chat to read in',
    { chat: { capabilities: [], sessionMinutes: 1 } },
    { stage: null, chat: { capabilities: [], sessionMinutes: 1 } },
  ],
  [
    'everything',
    {
      stage: { capabilities: ['SUBSCRIBE', 'PUBLISH'], ttlSeconds: 1_209_600 },
      chat: { capabilities: ['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'], sessionMinutes: 180 },
      moderator: true,
      rank: 1_000_000,
      attributes: { name: '{{claims.name}}', badge: '★' },
      clientAttributes: ['pronouns'],
    },
    {},
  ],
])('a role with %s can be made, and reads back the same', async (_what, body, filledIn) => {
  const answer = await put('custom.role-1', body);
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({ name: 'custom.role-1', ...body, ...filledIn });
  const list = await stagedoor.get('/v1/roles?limit=100', tenant.key);
  expect(list.body['data']).toContainEqual(answer.body);
});

it('a role that is put again is replaced whole', async () => {
  await put('again', { moderator: true, rank: 5, attributes: { a: 'b' } });
  const { body } = await put('again', { rank: 6 });
  expect(body).toEqual({
    name: 'again',
    stage: null,
    chat: null,
    moderator: false,
    rank: 6,
    attributes: {},
    clientAttributes: [],
  });
});

it('a role that is put by many at once is there once', async () => {
  const answers = await Promise.all(Array.from({ length: 10 }, (_, rank) => put('crowd', { rank })));
  expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200));
});

it('a role can be deleted when nothing names it', async () => {
  await put('unused', {});
  const answer = await remove('unused');
  expect([answer.status, answer.text]).toEqual([204, '']);
  expectProblem(await remove('unused'), 'not_found');
});

it('a role that a member has cannot be deleted, and can once the member has another', async () => {
  await put('taken', {});
  const space = await stagedoor.createSpace(tenant, { defaultRole: null });
  const member = `/v1/spaces/${space['id']}/members/ann`;
  await stagedoor.request('PUT', member, { as: tenant.key, body: { role: 'taken' } });
  expectProblem(await remove('taken'), 'conflict');
  await stagedoor.request('PUT', member, { as: tenant.key, body: { role: 'host' } });
  expect((await remove('taken')).status).toBe(204);
});

it('a role that is a space’s default cannot be deleted, and can once the space is', async () => {
  await put('standard', {});
  const space = await stagedoor.createSpace(tenant, { defaultRole: 'standard' });
  expectProblem(await remove('standard'), 'conflict');
  await stagedoor.request('DELETE', `/v1/spaces/${space['id']}`, { as: tenant.key });
  expect((await remove('standard')).status).toBe(204);
});

it.each(['-x', 'a b', 'a/b', 'é', 'x'.repeat(65), '%00', '..%2f'])('a role cannot be named %s', async (name) => {
  const answer = await put(encodeURIComponent(decodeURIComponent(name)), {});
  expectProblem(answer, 'invalid_request');
});

it('roles of many come in pages, in the order of their names', async () => {
  const other = await stagedoor.createTenant();
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Json = await stagedoor.expect(
      200,
      stagedoor.get(`/v1/roles?limit=3${cursor && `&cursor=${cursor}`}`, other.key),
    );
    seen.push(...page['data'].map((role: Json) => role['name']));
    cursor = page['nextCursor'];
  }
  expect(seen).toEqual(['host', 'moderator', 'speaker', 'viewer']);
});
