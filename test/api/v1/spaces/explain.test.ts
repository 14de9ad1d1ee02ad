/** `join/explain`: it answers what a join is answered right after, says why, and does nothing. */
import fc from 'fast-check';
import { TestSession } from '../../../support/console-session.ts';
import { asSuperuser } from '../../../support/database.ts';
import { LocalIssuer } from '../../../support/local-issuer.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '2' });
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterAll(async () => {
  await stagedoor.stop();
});

async function ask(body: Json, as = tenant.key, spaceId = space['id'] as string): Promise<Answer> {
  return await stagedoor.post(`/v1/spaces/${spaceId}/join/explain`, as, body);
}

async function explain(body: Json, as = tenant.key, spaceId = space['id'] as string): Promise<Json> {
  return await stagedoor.expect(200, ask(body, as, spaceId));
}

async function query(sql: string, values: unknown[] = []): Promise<void> {
  await asSuperuser(stagedoor.database.name, (client) => client.query(sql, values));
}

function stepOf(explanation: Json, check: string): Json {
  const found = (explanation['steps'] as Json[]).find((step) => step['check'] === check);
  if (!found) throw new Error(`there is no step ${check}`);
  return found;
}

/** All checks of a join with a JWT, in the order in which they are made. */
const allChecks =
  'token_form token_issuer token_audience token_signature token_times token_kind token_user_id credential tenant space ban role freeze halves disconnecting capacity rate live_token attributes'.split(
    ' ',
  );

/** Checks what holds of every explanation: the order of the steps, and that the first one that refuses decides. */
function expectWhole({ decision, steps }: Json, byToken: boolean): void {
  const told = steps as { check: string; outcome: string; because: string }[];
  expect(told.map(({ check }) => check)).toEqual(
    byToken ? allChecks : allChecks.filter((one) => !one.startsWith('token')),
  );
  const at = told.findIndex(({ outcome }) => outcome !== 'passed');
  expect(decision === 'admitted').toBe(at === -1);
  if (at !== -1) {
    expect(told[at]?.outcome).toBe('refused');
    expect(told.slice(at + 1).every(({ outcome }) => outcome === 'skipped')).toBe(true);
  }
  expect(told.every(({ because }) => because.length > 10)).toBe(true);
}

test('a session of the console gets the explanation that its key gets', async () => {
  const session = await TestSession.signIn(stagedoor, tenant.key);
  const answer = await session.request('POST', `/v1/spaces/${space['id']}/join/explain`, { body: { userId: 'ann' } });
  expect(await stagedoor.expect(200, Promise.resolve(answer))).toEqual(await explain({ userId: 'ann' }));
});

describe('an explanation', () => {
  /** Mostly what lets somebody in, so that later checks are reached too. */
  const mostly = <T>(usual: T, ...others: T[]) =>
    fc.oneof(
      { arbitrary: fc.constant(usual), weight: 3 * others.length },
      ...others.map((other) => ({ arbitrary: fc.constant(other), weight: 1 })),
    );
  const states = fc.record({
    status: mostly('open', 'closed'),
    isFrozen: mostly(false, true),
    capacity: mostly<number | null>(null, 0, 1, 2),
    others: fc.integer({ min: 0, max: 2 }),
    defaultRole: mostly<string | null>('viewer', null),
    room: mostly(true, false),
    tenant: mostly('active', 'suspended'),
    ban: mostly<Json | null>(null, { by_rank: null }, { by_rank: 5 }, { by_rank: 20 }, { by_rank: 40 }),
    isBannedEverywhere: fc.boolean(),
    member: mostly<Json | null>(null, { role: 'viewer', by_rank: 5 }, { role: 'moderator', by_rank: null }),
    vends: mostly(0, 1, 2),
    claim: mostly<unknown>('host', undefined, 'admin', ['moderator', 'host'], { host: true }),
    asked: mostly<string | undefined>(undefined, 'speaker', 'king'),
    byToken: fc.boolean(),
    tokenFault: mostly('none', 'expired', 'audience', 'kind', 'signature'),
    body: mostly<Json>({}, { chat: false }, { stage: false }, { attributes: { mood: 'glad' } }),
  });
  type State = typeof states extends fc.Arbitrary<infer T> ? T : never;
  let users = 0;

  async function put(state: State, userId: string): Promise<void> {
    await query('update tenants set status = $2 where id = $1', [tenant.id, state.tenant]);
    await query(
      `update spaces
       set status = $2, frozen_at = case when $3 then now() end, capacity = $4, default_role = $5, updated_at = now() - interval '1 hour'
       where id = $1`,
      [space['id'], state.status, state.isFrozen, state.capacity, state.defaultRole],
    );
    await query('update spaces set room_arn = $2 where id = $1', [space['id'], state.room ? space['room'].arn : null]);
    await query('delete from grants where space_id = $1', [space['id']]);
    for (let n = 0; n < state.others; n++) await putGrant(`other-${n}`);
    for (let n = 0; n < state.vends; n++) await putGrant(userId);
    if (state.ban) {
      await query(
        `insert into bans (tenant_id, id, user_id, space_id, by_rank, reason, created_by)
         values ($1, 'ban_' || gen_random_uuid(), $2, $3, $4, 'spam', '{"kind":"apiKey","id":"key_x"}')`,
        [tenant.id, userId, state.isBannedEverywhere ? null : space['id'], state.ban['by_rank']],
      );
    }
    if (!state.member) return;
    await query('insert into members (tenant_id, space_id, user_id, role, by_rank) values ($1, $2, $3, $4, $5)', [
      tenant.id,
      space['id'],
      userId,
      state.member['role'],
      state.member['by_rank'],
    ]);
  }

  async function putGrant(userId: string): Promise<void> {
    await query(
      `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, participant_id, capabilities, state,
                           issued_at, expires_at, session_expires_at)
       values ($1, 'grt_' || gen_random_uuid(), $2, $3, $3, 'stage', 'viewer', 'ivs', 'p', '{SUBSCRIBE}', 'released', now(),
               now() + interval '10 minutes', now() + interval '10 minutes')`,
      [tenant.id, space['id'], userId],
    );
  }

  async function tokenOf(userId: string, { claim, tokenFault }: State): Promise<string> {
    const claims = {
      ...(claim !== undefined && { role: claim }),
      ...(tokenFault === 'audience' && { aud: 'elsewhere' }),
      ...(tokenFault === 'kind' && { token_use: 'refresh' }),
    };
    const now = Math.floor(Date.now() / 1_000);
    const times = tokenFault === 'expired' ? { iat: now - 600, exp: now - 180 } : undefined;
    const token = await tenant.issuer.token(userId, claims, times);
    return tokenFault === 'signature' ? `${token.slice(0, -8)}AAAAAAAA` : token;
  }

  it('decides as a join right after decides, whatever the state', async () => {
    const decides = fc.asyncProperty(states, async (state) => {
      const userId = `user-${users++}`;
      await put(state, userId);
      const token = await tokenOf(userId, state);
      const path = `/v1/spaces/${space['id']}/join`;
      const named = { userId, ...(state.asked !== undefined && { role: state.asked }) };
      const told = await explain({ ...state.body, ...(state.byToken ? { token } : named) });
      expectWhole(told, state.byToken);
      const joined = state.byToken
        ? await stagedoor.post(path, token, state.body)
        : await stagedoor.post(path, tenant.key, { ...state.body, ...named });
      expect(told['decision']).toBe(joined.status === 201 ? 'admitted' : joined.body['code']);
      if (joined.status !== 201) return;
      const { role, stage, chat } = joined.body;
      expect(told).toMatchObject({ userId, role: { name: role } });
      expect(told['mint']).toBe(stage?.mint);
      for (const [one, other] of [
        [told['stage'], stage],
        [told['chat'], chat],
      ]) {
        expect(one === undefined).toBe(other === null);
        if (one) expect(one).toMatchObject({ capabilities: other.capabilities, attributes: other.attributes });
      }
    });
    try {
      await fc.assert(decides, { numRuns: 20 });
    } finally {
      await query(`update tenants set status = 'active' where id = $1`, [tenant.id]);
      await query(
        `update spaces set status = 'open', frozen_at = null, capacity = null, default_role = 'viewer', room_arn = $2
         where id = $1`,
        [space['id'], space['room'].arn],
      );
      await query('delete from grants where space_id = $1', [space['id']]);
    }
  });

  it('vends nothing, and leaves one audit entry without the JWT', async () => {
    const token = await tenant.issuer.token('quiet', { role: 'host' });
    const told = await ask({ token });
    expect(told.body).toMatchObject({ decision: 'admitted', userId: 'quiet', role: { name: 'host', from: 'claim' } });
    expect(told.text).not.toContain(token.split('.')[2]);
    const ledger = await stagedoor.expect(200, stagedoor.get('/v1/grants?userId=quiet', tenant.key));
    expect(ledger['data']).toEqual([]);
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/audit?userId=quiet', tenant.key));
    expect(data).toEqual([
      expect.objectContaining({
        action: 'join.explain',
        spaceId: space['id'],
        details: { decision: 'admitted', byToken: true, role: 'host', issuer: expect.stringMatching(/^iss_/) },
      }),
    ]);
    expect(JSON.stringify(data)).not.toContain(token.split('.')[1]);
  });

  it('is made anew for a repeated request, because the state may have changed', async () => {
    const headers = { 'idempotency-key': 'explain-once' };
    const path = `/v1/spaces/${space['id']}/join/explain`;
    const body = { userId: 'changing' };
    const twice = () => stagedoor.expect(200, stagedoor.request('POST', path, { as: tenant.key, body, headers }));
    expect(await twice()).toMatchObject({ role: { from: 'default' } });
    const member = `/v1/spaces/${space['id']}/members/changing`;
    await stagedoor.expect(200, stagedoor.request('PUT', member, { as: tenant.key, body: { role: 'host' } }));
    expect(await twice()).toMatchObject({ role: { from: 'member' } });
  });
});

describe('the role is explained', () => {
  let issuerId: string;

  beforeAll(async () => {
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/issuers', tenant.key));
    issuerId = data[0].id;
  });

  it.each<[string, Json, Json, RegExp[]]>([
    ['a JWT without the claim', {}, { name: 'viewer', from: 'default' }, [/claim role.*has no such claim/, /aud.*sub/]],
    [
      'a claim with a role that the tenant does not have',
      { role: 'admin' },
      { name: 'viewer', from: 'default' },
      [/holds "admin"/, /host, moderator, speaker, viewer/, /PATCH \/v1\/issuers\/iss_/],
    ],
    [
      'a claim of another kind',
      { role: { a: 1 } },
      { name: 'viewer', from: 'default' },
      [/holds \{"a":1\}.*Only text/],
    ],
    [
      'a claim with a role',
      { role: 'speaker' },
      { name: 'speaker', from: 'claim' },
      [/It stands for the role speaker/],
    ],
    [
      'a claim with several roles',
      { role: ['viewer', 'moderator', 'x'] },
      { name: 'moderator', from: 'claim' },
      [/viewer, moderator, x\. moderator counts/],
    ],
  ])('for %s', async (_, claims, role, words) => {
    const told = await explain({ token: await tenant.issuer.token('role-asked', claims) });
    expect(told).toMatchObject({ decision: 'admitted', role });
    for (const one of words) expect(stepOf(told, 'role')['because']).toMatch(one);
    expect(stepOf(told, 'role')['because']).toMatch(/no member of the space/);
  });

  it('for a value that the issuer maps, and for an issuer that reads no role', async () => {
    const path = `/v1/issuers/${issuerId}`;
    const patch = (body: Json) => stagedoor.expect(200, stagedoor.request('PATCH', path, { as: tenant.key, body }));
    const token = await tenant.issuer.token('mapped', { role: 'org:admin' });
    await patch({ roles: { 'org:admin': 'host' } });
    const mapped = await explain({ token });
    expect(mapped).toMatchObject({ role: { name: 'host', from: 'claim' } });
    expect(stepOf(mapped, 'role')['because']).toMatch(/holds "org:admin"\. It stands for the role host/);
    await patch({ claims: { userId: 'sub' } });
    const unread = await explain({ token });
    expect(unread).toMatchObject({ role: { name: 'viewer', from: 'default' } });
    expect(stepOf(unread, 'role')['because']).toMatch(/its claims\.role is not set/);
    await patch({ claims: { userId: 'sub', role: 'role', name: 'name' }, roles: {} });
  });

  it('for a join by an API key, which has no JWT', async () => {
    expect(stepOf(await explain({ userId: 'nobody' }), 'role')['because']).toMatch(/no JWT is looked at\. Send token/);
    const named = await explain({ userId: 'nobody', role: 'host' });
    expect(named).toMatchObject({ decision: 'admitted', role: { name: 'host', from: 'request' } });
    const other = await stagedoor.createTenant();
    const body = { stage: { capabilities: ['SUBSCRIBE'] } };
    await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/theirs', { as: other.key, body }));
    const foreign = JSON.stringify(await explain({ userId: 'nobody', role: 'theirs' }));
    const unknown = await explain({ userId: 'nobody', role: 'king' });
    expect(JSON.parse(foreign.replaceAll('theirs', 'king'))).toEqual(unknown);
    expect(unknown).toMatchObject({ decision: 'invalid_request' });
    expect(stepOf(unknown, 'role')['because']).toMatch(/Its roles are: host, moderator, speaker, viewer/);
  });
});

describe('a JWT that is refused is explained', () => {
  const seconds = () => Math.floor(Date.now() / 1_000);

  it.each<[string, string, () => Promise<string>, RegExp]>([
    ['no JWT', 'token_form', () => Promise.resolve('nonsense'), /not a JWT/],
    [
      'a JWT of another issuer',
      'token_issuer',
      async () => await (await LocalIssuer.create(`${tenant.issuer.issuer}/`, 'stagedoor')).token('ann'),
      /the tenant has none of this name\. Its issuers are: .* is nearly the same/,
    ],
    [
      'a JWT for another audience',
      'token_audience',
      () => tenant.issuer.token('ann', { aud: 'web' }),
      /wants "stagedoor" in the claim aud, which holds "web"/,
    ],
    [
      'a JWT with another key',
      'token_signature',
      async () => await (await LocalIssuer.create(tenant.issuer.issuer, 'stagedoor')).token('ann'),
      /signature/,
    ],
    [
      'a JWT that has expired',
      'token_times',
      () => tenant.issuer.token('ann', {}, { iat: seconds() - 600, exp: seconds() - 200 }),
      /expired 3 minutes ago/,
    ],
    ['a refresh token', 'token_kind', () => tenant.issuer.token('ann', { typ: 'Refresh' }), /refresh token/],
    ['a JWT without a user id', 'token_user_id', () => tenant.issuer.token(''), /user id \(sub\)/],
    [
      'a JWT without a user id that lives as long as its issuer allows',
      'token_user_id',
      async () => {
        const [issuer] = (await stagedoor.get('/v1/issuers', tenant.key)).body['data'];
        const as = { as: tenant.key, body: { maxLifeSeconds: 7 * 86_400 } };
        await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/issuers/${issuer.id}`, as));
        return await tenant.issuer.token('', {}, { iat: seconds(), exp: seconds() + 2 * 86_400 });
      },
      /user id \(sub\)/,
    ],
  ])('%s', async (_, check, make, because) => {
    const told = await explain({ token: await make() });
    expectWhole(told, true);
    expect(told['decision']).toBe('unauthenticated');
    expect(stepOf(told, check)).toMatchObject({ outcome: 'refused', because: expect.stringMatching(because) });
    expect(told).not.toHaveProperty('userId');
  });

  it('if it is of another tenant’s issuer, as one of nobody', async () => {
    const other = await stagedoor.createTenant();
    const foreign = await explain({ token: await other.issuer.token('ann', { role: 'host' }) });
    const stranger = await LocalIssuer.create('https://nobody.example', 'stagedoor');
    const unknown = await explain({ token: await stranger.token('ann', { role: 'host' }) });
    const hidden = JSON.stringify(foreign).replaceAll(other.issuer.issuer, 'https://nobody.example');
    expect(JSON.parse(hidden)).toEqual(unknown);
    expect(unknown['decision']).toBe('unauthenticated');
  });

  it('if it is good, and its issuer is changed a moment before', async () => {
    const token = await tenant.issuer.token('stale');
    expect(await explain({ token })).toMatchObject({ decision: 'admitted' });
    await query('update issuers set version = version + 1 where tenant_id = $1', [tenant.id]);
    expect(await explain({ token })).toMatchObject({ decision: 'admitted' });
  });
});

describe('who may ask', () => {
  it('an API key says whose join it means, in one way', async () => {
    const nobody = await ask({});
    expectProblem(nobody, 'invalid_request');
    expect(nobody.body['errors'][0].path).toBe('userId');
    expectProblem(await ask({ token: 'x', userId: 'ann' }), 'invalid_request');
    expectProblem(await ask({ userId: 'ann' }, tenant.key, 'spc_01h455vb4pex5vsknk084sn02q'), 'not_found');
  });

  it('a moderator asks about everybody in the space, and about themselves', async () => {
    const moderator = await tenant.issuer.token('mod', { role: 'moderator' });
    expect(await explain({}, moderator)).toMatchObject({ userId: 'mod', role: { name: 'moderator', from: 'claim' } });
    expect(await explain({ userId: 'ann' }, moderator)).toMatchObject({ userId: 'ann', role: { name: 'viewer' } });
    const host = await tenant.issuer.token('boss', { role: 'host' });
    expect(await explain({ token: host }, moderator)).toMatchObject({ userId: 'boss', role: { name: 'host' } });
    expectProblem(await ask({ userId: 'ann', role: 'host' }, moderator), 'forbidden');
    expectProblem(await ask({}, await tenant.issuer.token('ann', { role: 'viewer' })), 'forbidden');
  });

  it('a moderator of a space does not read why somebody is banned in the whole tenant', async () => {
    const body = { userId: 'troll', reason: 'a private matter' };
    await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, body));
    const moderator = await tenant.issuer.token('mod', { role: 'moderator' });
    const told = await explain({ userId: 'troll' }, moderator);
    expect(told['decision']).toBe('banned');
    expect(JSON.stringify(told)).not.toMatch(/private|ban_/);
    const byKey = stepOf(await explain({ userId: 'troll' }), 'ban')['because'];
    expect(byKey).toMatch(/in the whole tenant.*a private matter.*DELETE \/v1\/bans\/ban_/);
  });

  it('a key that is bound to spaces or roles asks within its bounds', async () => {
    const keyOf = async (more: Json) => {
      const body = { name: 'bound', scopes: ['tokens:vend'], ...more };
      return (await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, body)))['key'] as string;
    };
    const elsewhere = await stagedoor.createSpace(tenant, { stage: false });
    const ofSpace = await keyOf({ spaceIds: [space['id']] });
    expect(await explain({ userId: 'ann' }, ofSpace)).toMatchObject({ decision: 'admitted' });
    expectProblem(await ask({ userId: 'ann' }, ofSpace, elsewhere['id'] as string), 'forbidden');
    const ofRole = await keyOf({ roles: ['viewer'] });
    expect(await explain({ userId: 'ann', role: 'viewer' }, ofRole)).toMatchObject({ decision: 'admitted' });
    for (const body of [{ userId: 'ann' }, { userId: 'ann', role: 'host' }, { token: 'x.y.z' }]) {
      expectProblem(await ask(body, ofRole), 'forbidden');
    }
  });

  it('a suspended tenant, and it is told that it is', async () => {
    const other = await stagedoor.createTenant();
    const theirs = await stagedoor.createSpace(other, { room: false });
    await query(`update tenants set status = 'suspended' where id = $1`, [other.id]);
    const told = await explain({ userId: 'ann' }, other.key, theirs['id'] as string);
    expect(told['decision']).toBe('forbidden');
    expect(stepOf(told, 'tenant')).toMatchObject({ outcome: 'refused', because: expect.stringMatching(/suspended/) });
  });
});
