/** Who registers which issuer matters to nobody else: the tenant that owns the space in the path counts. */
import { randomUUID } from 'node:crypto';
import { JwksServer } from '../issuers/jwks-server.ts';
import { LocalIssuer } from '../../support/local-issuer.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let victim: TestTenant;
let stranger: TestTenant;
let third: TestTenant;
let space: string;
let strangersSpace: string;
let thirdSpace: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  [victim, stranger, third] = [
    await stagedoor.createTenant(),
    await stagedoor.createTenant(),
    await stagedoor.createTenant(),
  ];
  const spaceOf = async (tenant: TestTenant) =>
    (await stagedoor.createSpace(tenant, { stage: true, room: false }))['id'] as string;
  [space, strangersSpace, thirdSpace] = [await spaceOf(victim), await spaceOf(stranger), await spaceOf(third)];
});
afterAll(() => stagedoor.stop());

const register = (tenant: TestTenant, body: object) =>
  stagedoor.expect(201, stagedoor.post('/v1/issuers', tenant.key, body));

/** An issuer of the victim that was not used before, and the same one with keys of the stranger's own. */
async function issuers(): Promise<[LocalIssuer, LocalIssuer]> {
  const name = `https://login-${randomUUID()}.example/`;
  return [await LocalIssuer.create(name, 'app'), await LocalIssuer.create(name, 'app')];
}

const join = (spaceId: string, token: string, tenant?: string) =>
  stagedoor.request('POST', `/v1/spaces/${spaceId}/join`, {
    as: token,
    body: {},
    headers: tenant === undefined ? {} : { 'x-stagedoor-tenant': tenant },
  });
const missing = 'spc_00000000000000000000000000';

/** Reads the bans of the whole tenant, with the tenant in the header if it is named. */
const bans = (token: string, tenant?: string) =>
  stagedoor.request('GET', '/v1/bans', {
    as: token,
    headers: tenant === undefined ? {} : { 'x-stagedoor-tenant': tenant },
  });

/** Bans somebody in the whole tenant, so that an answer tells whose bans it shows. */
async function ban(tenant: TestTenant, userId: string): Promise<void> {
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId }));
}

const banned = ({ body }: { body: Json }): string[] => (body['data'] as Json[]).map((one) => one['userId'] as string);

describe.each([
  ['first', (mine: () => Promise<unknown>, theirs: () => Promise<unknown>) => theirs().then(mine)],
  ['second', (mine: () => Promise<unknown>, theirs: () => Promise<unknown>) => mine().then(theirs)],
] as const)('a stranger who registers %s', (_, inOrder) => {
  it('the victim’s keys and audience: the space decides whose users come, and the whole tenant is named', async () => {
    const [real] = await issuers();
    await inOrder(
      () => register(victim, real.registration()),
      () => register(stranger, real.registration()),
    );
    const token = await real.token('ann', { role: 'host' });
    expect((await join(space, token)).status).toBe(201);
    expect((await join(strangersSpace, token)).status).toBe(201);
    expect((await stagedoor.get(`/v1/grants?userId=ann&spaceId=${space}`, victim.key)).body['data']).not.toEqual([]);

    // Nothing tells whether a space is somebody's.
    const [foreign, none] = [await join(thirdSpace, token), await join(missing, token)];
    const { requestId: _id, ...told } = foreign.body;
    expectProblem(foreign, 'not_found');
    expect(none.body).toEqual({ ...told, requestId: expect.any(String) });

    const [mine, theirs] = [`victims-${randomUUID()}`, `strangers-${randomUUID()}`];
    await ban(victim, mine);
    await ban(stranger, theirs);
    const unclear = await bans(token);
    expectProblem(unclear, 'unauthenticated');
    expect(unclear.body['detail']).toContain('x-stagedoor-tenant');
    expect(banned(await bans(token, victim.slug))).toContain(mine);
    expect(banned(await bans(token, victim.id))).not.toContain(theirs);
    expect(banned(await bans(token, stranger.slug))).toContain(theirs);
    for (const other of [third.slug, 'no-such-tenant', missing]) expect((await bans(token, other)).status).toBe(401);
    expectProblem(await bans(token, '../x'), 'invalid_request');
    expectProblem(await join(space, token, stranger.slug), 'not_found');
    // A space in the query or in the body is as good as one in the path.
    expect((await stagedoor.get(`/v1/bans?spaceId=${space}`, token)).status).toBe(200);
    expect((await stagedoor.post('/v1/bans', token, { userId: 'bob', spaceId: space })).status).toBe(201);
  });

  it('the victim’s audience with keys of their own: each one’s tokens are good for their own spaces only', async () => {
    const [real, forged] = await issuers();
    await inOrder(
      () => register(victim, real.registration()),
      () => register(stranger, forged.registration()),
    );
    const [good, theirs] = [await real.token('ann', { role: 'host' }), await forged.token('ann', { role: 'host' })];
    expect([(await join(space, good)).status, (await join(strangersSpace, theirs)).status]).toEqual([201, 201]);
    for (const [token, elsewhere] of [
      [good, strangersSpace],
      [theirs, space],
    ] as const) {
      const [foreign, none] = [await join(elsewhere, token), await join(missing, token)];
      expectProblem(foreign, 'not_found');
      expect(foreign.body['detail']).toBe(none.body['detail']);
    }
    const [mine, other] = [`victims-${randomUUID()}`, `strangers-${randomUUID()}`];
    await ban(victim, mine);
    await ban(stranger, other);
    expect(banned(await bans(good))).toContain(mine);
    expect(banned(await bans(theirs))).toContain(other);
    expect((await bans(theirs, victim.slug)).status).toBe(401);
    // A token of nobody's key is refused everywhere, and so is the public key as a secret.
    expect((await join(space, `${good.slice(0, -6)}AAAAAA`)).status).toBe(401);
  });

  it('a key URL that never answers: nobody asks it for the victim’s users', async () => {
    await using slow = await JwksServer.start(() => undefined);
    const [real] = await issuers();
    await inOrder(
      () => register(victim, real.registration()),
      () => register(stranger, { issuer: real.issuer, audience: 'app', jwksUri: slow.uri }),
    );
    const before = slow.requests;
    const token = await real.token('ann', { role: 'host' });
    expect((await join(space, token)).status).toBe(201);
    expect((await bans(token, victim.slug)).status).toBe(200);
    expect(slow.requests).toBe(before);
    // Whether the token is good for the stranger cannot be known, so the tenant has to be named.
    expectProblem(await bans(await real.token('bea', { role: 'host' })), 'unauthenticated');
  });
});

it('a stranger who registers an issuer sixty times crowds nobody out', async () => {
  const [real, forged] = await issuers();
  for (let n = 0; n < 60; n++) await register(stranger, { ...forged.registration(), audience: `app-${n}` });
  await register(stranger, forged.registration());
  await register(victim, real.registration());
  const audiences = ['app', ...Array.from({ length: 15 }, (_, n) => `app-${n}`)];
  const token = await real.token('ann', { role: 'host', aud: audiences });
  expect((await join(space, token)).status).toBe(201);
  expect((await bans(token)).status).toBe(200);
});

it('several issuers of one tenant that fit a token are no reason to refuse it: the first that accepts it counts', async () => {
  const [real, old] = await issuers();
  const { issuer } = real;
  await register(victim, { ...old.registration(), audience: 'old' });
  await register(victim, { ...real.registration(), claims: { userId: 'no.such.claim' } });
  await register(victim, { ...real.registration(), audience: 'web', claims: { userId: 'sub', role: 'role' } });
  await register(victim, { ...real.registration(), audience: issuer, audienceClaim: 'iss' });
  const answer = await join(space, await real.token('ann', { aud: ['old', 'app', 'web'], role: 'speaker' }));
  expect([answer.status, answer.body['role'], answer.body['userId']]).toEqual([201, 'speaker', 'ann']);
});

describe('the audience is in the claim that the issuer names', () => {
  it.each<[string, string, Json, Json]>([
    ['client_id of a token without aud', 'client_id', { aud: undefined, client_id: 'app' }, { client_id: 'other' }],
    ['azp beside another aud', 'azp', { aud: 'account', azp: 'app' }, { azp: 'other', aud: 'app' }],
    ['a claim with dots', 'https://acme.example/app', { 'https://acme.example/app': 'app' }, { aud: 'app' }],
    ['a claim inside another', 'client.ids', { client: { ids: ['web', 'app'] } }, { client: { ids: 'web' } }],
  ])('%s', async (_, audienceClaim, good, bad) => {
    const [real] = await issuers();
    await register(victim, { ...real.registration(), audienceClaim });
    const claims = { role: 'host', aud: undefined };
    const token = await real.token('ann', { ...claims, ...good });
    expect((await join(space, token)).status).toBe(201);
    expect((await bans(token)).status).toBe(200);
    const other = await real.token('ann', { ...claims, ...bad });
    for (const answer of [await join(space, other), await bans(other)]) {
      expectProblem(answer, 'unauthenticated');
      expect(answer.body['detail']).toContain('not registered here');
    }
  });
});

it('a user of another tenant finds no space that is not theirs, word for word as if it had never been', async () => {
  const token = await third.issuer.token('ann', { role: 'host' });
  const [foreign, none] = [await join(space, token), await join(missing, token)];
  expectProblem(foreign, 'not_found');
  expect({ ...none.body, requestId: '' }).toEqual({ ...foreign.body, requestId: '' });
});
