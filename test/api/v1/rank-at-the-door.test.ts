/** Acts of moderators against people who have not been here: they bind only those who turn out to be below them. */
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
let people = 0;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterAll(async () => {
  await stagedoor.stop();
});

/** Somebody new, and their JWT that claims a role. */
async function claiming(role?: string): Promise<{ userId: string; token: string }> {
  people += 1;
  const userId = `user-${people}`;
  return { userId, token: await tenant.issuer.token(userId, role === undefined ? {} : { role }) };
}

const join = (as: string, body?: Json): Promise<Answer> => stagedoor.post(`/v1/spaces/${space['id']}/join`, as, body);

const here = () => ({ spaceId: space['id'] as string });
const entriesOf = async (userId: string, action: string): Promise<Json[]> => {
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/audit?userId=${userId}`, tenant.key));
  return (data as Json[]).filter((entry) => entry['action'] === action);
};

const places: [string, () => Json][] = [
  ['in a space', here],
  ['in the whole tenant', () => ({})],
];

test.each(places)(
  'a host whom a moderator bans %s before they first come is let in, and the ban says so',
  async (_, where) => {
    const [moderator, host] = [await claiming('moderator'), await claiming('host')];
    const { ban } = await stagedoor.expect(
      201,
      stagedoor.post('/v1/bans', moderator.token, { userId: host.userId, ...where() }),
    );
    expect((await join(host.token)).body).toMatchObject({ role: 'host', stage: { token: expect.any(String) } });
    const after = await stagedoor.expect(200, stagedoor.get(`/v1/bans/${ban.id}`, tenant.key));
    expect(after).toMatchObject({ state: 'lifted', outranked: true, liftedBy: { kind: 'user', id: host.userId } });
    expect(await entriesOf(host.userId, 'ban.outranked')).toMatchObject([
      {
        subject: ban.id,
        caller: { kind: 'user', id: host.userId },
        details: { createdBy: { kind: 'user', id: moderator.userId }, byRank: 20, rank: 30 },
      },
    ]);
    expect((await join(host.token)).status).toBe(201);
  },
);

test('so is a host whom the back end lets in by the name of their role', async () => {
  const [moderator, host] = [await claiming('moderator'), await claiming()];
  await stagedoor.expect(201, stagedoor.post('/v1/bans', moderator.token, { userId: host.userId, ...here() }));
  expectProblem(await join(tenant.key, { userId: host.userId, role: 'speaker' }), 'banned');
  expect((await join(tenant.key, { userId: host.userId, role: 'host' })).status).toBe(201);
});

test('several bans of a host end, and those of a host and of an API key hold', async () => {
  const [moderator, other, host, victim] = [
    await claiming('moderator'),
    await claiming('moderator'),
    await claiming('host'),
    await claiming('moderator'),
  ];
  for (const { token } of [moderator, other, moderator]) {
    await stagedoor.expect(201, stagedoor.post('/v1/bans', token, { userId: host.userId, ...here() }));
  }
  const byKey = await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: host.userId, ...here() }));
  expectProblem(await join(host.token), 'banned');
  await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${byKey['ban'].id}`, { as: tenant.key, body: {} }));
  expect((await join(host.token)).status).toBe(201);
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/bans?userId=${host.userId}`, tenant.key));
  expect((data as Json[]).map((ban) => [ban['state'], ban['outranked'] ?? false])).toEqual([
    ['lifted', false],
    ['lifted', true],
    ['lifted', true],
    ['lifted', true],
  ]);

  await stagedoor.expect(201, stagedoor.post('/v1/bans', host.token, { userId: victim.userId, ...here() }));
  expectProblem(await join(victim.token), 'banned');
});

test.each(['speaker', undefined])('a ban by a moderator holds for one who claims %p', async (role) => {
  const [moderator, other] = [await claiming('moderator'), await claiming(role)];
  await stagedoor.expect(201, stagedoor.post('/v1/bans', moderator.token, { userId: other.userId, ...here() }));
  expectProblem(await join(other.token), 'banned');
  expect(await entriesOf(other.userId, 'ban.outranked')).toEqual([]);
});

test('a host who is banned by a moderator before they come moderates all the same', async () => {
  const [moderator, host] = [await claiming('moderator'), await claiming('host')];
  await stagedoor.expect(201, stagedoor.post('/v1/bans', moderator.token, { userId: host.userId, ...here() }));
  const ban = { userId: moderator.userId, ...here() };
  expect((await stagedoor.post('/v1/bans', host.token, ban)).status).toBe(201);
});

test('a person who was banned lawfully and comes back as a host is not put out by the old ban', async () => {
  const moderator = await claiming('moderator');
  const { userId, token } = await claiming();
  const { stage } = await stagedoor.expect(201, join(token));
  stagedoor.ivs.join(stage.token);
  const { action } = await stagedoor.expect(201, stagedoor.post('/v1/bans', moderator.token, { userId, ...here() }));
  const promoted = await tenant.issuer.token(userId, { role: 'host' });
  expect((await join(promoted)).status).toBe(201);
  const { data } = await stagedoor.expect(200, stagedoor.get(`/v1/grants?userId=${userId}&live=true`, tenant.key));
  expect((data as Json[]).filter((grant) => grant['role'] === 'host').map((grant) => grant['state'])).toEqual([
    'live',
    'live',
  ]);
  expect((await stagedoor.get(`/v1/actions/${action.id}`, tenant.key)).body['state']).toBe('delivered');
});

describe('a member row by a moderator', () => {
  const changeRole = (as: string, userId: string, role: string) =>
    stagedoor.post(`/v1/spaces/${space['id']}/users/${userId}/role`, as, { role });
  const memberOf = async (userId: string): Promise<Json | undefined> => {
    const { data } = await stagedoor.expect(
      200,
      stagedoor.get(`/v1/spaces/${space['id']}/members?limit=100`, tenant.key),
    );
    return (data as Json[]).find((member) => member['userId'] === userId);
  };

  test('does not hold for a host who has not been here, is marked, and the log tells it once', async () => {
    const [moderator, host] = [await claiming('moderator'), await claiming('host')];
    await stagedoor.expect(200, changeRole(moderator.token, host.userId, 'viewer'));
    expect((await memberOf(host.userId))?.['outrankedAt']).toBeUndefined();
    for (let time = 0; time < 2; time++) expect((await join(host.token)).body['role']).toBe('host');
    expect((await memberOf(host.userId))?.['outrankedAt']).toEqual(expect.any(String));
    expect(await entriesOf(host.userId, 'member.outranked')).toMatchObject([
      { details: { role: 'viewer', byRank: 20, rank: 30 }, spaceId: space['id'] },
    ]);
  });

  test('holds for one below them', async () => {
    const [moderator, speaker] = [await claiming('moderator'), await claiming('speaker')];
    await stagedoor.expect(200, changeRole(moderator.token, speaker.userId, 'viewer'));
    expect((await join(speaker.token)).body['role']).toBe('viewer');
  });

  test('over one of an API key binds as that one did', async () => {
    const [moderator, host] = [await claiming('moderator'), await claiming('host')];
    const path = `/v1/spaces/${space['id']}/members/${host.userId}`;
    await stagedoor.expect(200, stagedoor.request('PUT', path, { as: tenant.key, body: { role: 'viewer' } }));
    await stagedoor.expect(200, changeRole(moderator.token, host.userId, 'speaker'));
    expect((await join(host.token)).body['role']).toBe('speaker');
  });
});
