/** What the claims of a user's JWT decide, as providers send them. */
import { expectProblem } from '../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let issuerId: string;
let people = 0;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/issuers', tenant.key));
  issuerId = data[0].id;
});

afterAll(async () => {
  await stagedoor.stop();
});

function somebody(): string {
  people += 1;
  return `user-${people}`;
}

const tokenWith = (role: unknown, userId = somebody()) => tenant.issuer.token(userId, { role });

/** The role with which a user with this claim gets in. */
async function roleOf(role: unknown): Promise<string> {
  const joined = stagedoor.post(`/v1/spaces/${space['id']}/join`, await tokenWith(role), {});
  return (await stagedoor.expect(201, joined))['role'];
}

const change = (body: Json) => stagedoor.request('PATCH', `/v1/issuers/${issuerId}`, { as: tenant.key, body });

test.each<[string, unknown, string]>([
  ['the highest of an array', ['everybody', 'viewer', 'host', 'speaker'], 'host'],
  ['the one of an array that the tenant has', ['admins', 'speaker', 'offline_access'], 'speaker'],
  ['that of a text', 'moderator', 'moderator'],
  ['the default for an array without one', ['admins', 1, null, ['host']], 'viewer'],
  ['the default for an empty array', [], 'viewer'],
  ['the default for true', true, 'viewer'],
  ['the default for an object', { host: true }, 'viewer'],
  ['the default for a number', 30, 'viewer'],
  ['the default for a text that looks like an array', '[host, speaker]', 'viewer'],
  ['the default for a text that no database takes', 'ho\0st', 'viewer'],
])('a user joins with %s', async (_, claim, role) => {
  expect(await roleOf(claim)).toBe(role);
});

test('an array decides who moderates, in a space and in the tenant, and whom they may act on', async () => {
  const target = somebody();
  const ban = (as: string, more: Json = {}) => stagedoor.post('/v1/bans', as, { userId: target, ...more });
  const inSpace = { spaceId: space['id'] };
  const [moderator, speaker] = [await tokenWith(['speaker', 'moderator']), await tokenWith(['speaker', 'editor'])];
  expectProblem(await ban(speaker, inSpace), 'forbidden');
  expectProblem(await ban(speaker), 'forbidden');
  expect((await ban(moderator, inSpace)).status).toBe(201);
  expect((await ban(moderator)).status).toBe(201);

  const host = somebody();
  const join = async () =>
    stagedoor.post(`/v1/spaces/${space['id']}/join`, await tokenWith(['moderator', 'host'], host), {});
  await stagedoor.expect(201, join());
  expectProblem(await stagedoor.post('/v1/bans', moderator, { userId: host }), 'forbidden');
  const entries = async () => (await stagedoor.get(`/v1/audit?userId=${host}`, tenant.key)).body['data'];
  await until(async () => (await entries()).length > 0, 'the vend is in the audit log');
  expect(await entries()).toMatchObject([{ action: 'space.join', details: { role: 'host' } }]);
});

test('the issuer’s map gives a provider’s names the roles of the tenant, from its next request on', async () => {
  const [admin, member] = [await tokenWith(['org:admin', 'host']), await tokenWith('org:member')];
  const ban = (as: string) => stagedoor.post('/v1/bans', as, { userId: somebody() });
  expect((await ban(admin)).status).toBe(201);
  expectProblem(await ban(member), 'forbidden');

  const roles = { 'org:admin': 'speaker', 'org:member': 'moderator', host: 'viewer', 'no such role': 'king' };
  const changed = await stagedoor.expect(200, change({ roles }));
  expect(changed['roles']).toEqual(roles);
  expectProblem(await ban(admin), 'forbidden');
  expect((await ban(member)).status).toBe(201);
  expect(await roleOf(['host', 'no such role'])).toBe('viewer');
  expect(await roleOf(['speaker'])).toBe('speaker');
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/audit?action=issuer.update', tenant.key));
  expect(data).toMatchObject([{ details: { changed: ['roles'], roles } }]);

  expect((await stagedoor.expect(200, change({ roles: {} })))['roles']).toBeUndefined();
  expect((await ban(admin)).status).toBe(201);
  expectProblem(await ban(member), 'forbidden');
});

test.each<[string, Json]>([
  ['to a name that no role can have', { admin: 'the host' }],
  ['from an empty text', { '': 'host' }],
  ['from a text that is too long', { ['a'.repeat(257)]: 'host' }],
  ['to no text', { admin: ['host'] }],
  ['of more than 200 values', Object.fromEntries(Array.from({ length: 201 }, (_, at) => [`g${at}`, 'host']))],
])('a map %s is refused', async (_, roles) => {
  expectProblem(await change({ roles }), 'invalid_request');
});

test.each([[['Ann']], [{ first: 'Ann' }], [7], ['a'.repeat(257)], ['An\0n']])(
  'a name that is no short text (%j) keeps nobody out',
  async (name) => {
    const token = await tenant.issuer.token(somebody(), { name });
    await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, token, {}));
  },
);

test('templates take every path of a claim, and leave out what does not fit', async () => {
  const attributes = {
    nick: '{{claims.https://acme.example/nick}}',
    city: 'from {{ claims.address.city }}',
    shown: '{{claims.name}}',
    about: '<{{claims.about}}>',
  };
  const role = { stage: { capabilities: ['SUBSCRIBE'] }, chat: { capabilities: [] }, attributes };
  await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/guest', { as: tenant.key, body: role }));
  const joined = async (claims: Json) => {
    const token = await tenant.issuer.token(somebody(), { role: ['guest'], ...claims });
    const { stage, chat } = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, token, {}));
    expect(chat.attributes).toEqual(stage.attributes);
    return stage.attributes;
  };
  const address = { city: 'Graz' };
  const nick = { 'https://acme.example/nick': 'ace' };
  expect(await joined({ ...nick, address, name: 'Ann', about: 'me' })).toEqual({
    nick: 'ace',
    city: 'from Graz',
    shown: 'Ann',
    about: '<me>',
  });
  expect(await joined({ ...nick, address: 'Graz', name: { first: 'Ann' }, about: 'é'.repeat(600) })).toEqual({
    nick: 'ace',
    city: 'from ',
    shown: '',
    about: '<>',
  });
  const long = await joined({ name: 'é'.repeat(256), about: 'a'.repeat(900) });
  expect(long).toMatchObject({ about: `<${'a'.repeat(900)}>`, shown: '' });
});
