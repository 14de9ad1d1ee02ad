import fc from 'fast-check';
import { Watchdog } from '../../../../src/health/watchdog.ts';
import { Metrics } from '../../../../src/telemetry/metrics.ts';
import { asSuperuser } from '../../../support/database.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '5' });
  tenant = await stagedoor.createTenant();
});

afterAll(async () => {
  await stagedoor.stop();
});

async function join(space: Json, userId: string, claims: Json = {}, body?: Json): Promise<Answer> {
  return await stagedoor.post(`/v1/spaces/${space['id']}/join`, await tenant.issuer.token(userId, claims), body);
}

async function joinFor(space: Json, body: Json): Promise<Answer> {
  return await stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, body);
}

async function putMember(space: Json, userId: string, role: string): Promise<void> {
  const path = `/v1/spaces/${space['id']}/members/${encodeURIComponent(userId)}`;
  await stagedoor.expect(200, stagedoor.request('PUT', path, { as: tenant.key, body: { role } }));
}

async function patch(path: string, body: Json, as = tenant.key): Promise<void> {
  await stagedoor.expect(200, stagedoor.request('PATCH', path, { as, body }));
}

/** Puts a ban on record as a moderator's would be. */
async function ban(userId: string, spaceId: string | null, more: { expiresAt?: Date; reason?: string } = {}) {
  await asSuperuser(stagedoor.database.name, (client) =>
    client.query(
      `insert into bans (tenant_id, id, user_id, space_id, reason, expires_at, created_by)
       values ($1, 'ban_' || gen_random_uuid(), $2, $3, $4, $5, '{"kind":"apiKey","id":"key_x"}')`,
      [tenant.id, userId, spaceId, more.reason ?? null, more.expiresAt ?? null],
    ),
  );
}

describe('the role of a user', () => {
  it('is that of the member row, before the claim and the default', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
    await putMember(space, 'ann', 'moderator');
    expect((await join(space, 'ann', { role: 'host' })).body).toMatchObject({ role: 'moderator' });
  });

  it('is that of the claim, before the default', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
    expect((await join(space, 'ben', { role: 'host' })).body).toMatchObject({ role: 'host' });
  });

  it.each(['admin', 'HOST', '', ' host', '../host'])(
    'is the default if the claim %p is no role of the tenant',
    async (role) => {
      const space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
      expect((await join(space, `c-${role.length}-${role.charCodeAt(0)}`, { role })).body).toMatchObject({
        role: 'viewer',
      });
    },
  );

  it('is none, and the user refused, if nothing says one', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: null });
    expectProblem(await join(space, 'dan', { role: 'admin' }), 'forbidden');
  });

  it('ends with the membership', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: null });
    await putMember(space, 'eve', 'host');
    expect((await join(space, 'eve')).status).toBe(201);
    await stagedoor.request('DELETE', `/v1/spaces/${space['id']}/members/eve`, { as: tenant.key });
    expectProblem(await join(space, 'eve'), 'forbidden');
  });

  it('is what an API key names, if it names one', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: 'viewer' });
    await putMember(space, 'flo', 'speaker');
    expect((await joinFor(space, { userId: 'flo' })).body).toMatchObject({ role: 'speaker', userId: 'flo' });
    expect((await joinFor(space, { userId: 'flo', role: 'host' })).body).toMatchObject({ role: 'host' });
    const unknown = await joinFor(space, { userId: 'flo', role: 'emperor' });
    expectProblem(unknown, 'invalid_request');
    expect(unknown.body['errors'][0].path).toBe('role');
  });
});

describe('who asks', () => {
  let space: Json;

  beforeAll(async () => {
    space = await stagedoor.createSpace(tenant);
  });

  it('an API key must say for whom', async () => {
    const answer = await joinFor(space, {});
    expectProblem(answer, 'invalid_request');
    expect(answer.body['errors'][0].path).toBe('userId');
  });

  it.each<Json>([{ userId: 'someone-else' }, { userId: 'gus' }, { role: 'host' }])(
    'an app user joins as itself and may not send %p',
    async (body) => {
      expectProblem(await join(space, 'gus', {}, body), 'forbidden');
    },
  );
});

describe('the checks come in the order in which a refused caller should learn of them', () => {
  it('tenant, space, ban, role, capacity, rate', async () => {
    const other = await stagedoor.createTenant();
    const space = await stagedoor.createSpace(other, { defaultRole: null, capacity: 1 });
    const path = `/v1/spaces/${space['id']}`;
    const user = await other.issuer.token('hal');
    const ask = () => stagedoor.post(`${path}/join`, user);
    await stagedoor.expect(201, stagedoor.post(`${path}/join`, other.key, { userId: 'taken', role: 'viewer' }));
    await patch(path, { status: 'closed' }, other.key);
    await asSuperuser(stagedoor.database.name, (client) =>
      client.query(
        `insert into bans (tenant_id, id, user_id, created_by) values ($1, 'ban_order', 'hal', '{"kind":"apiKey","id":"k"}')`,
        [other.id],
      ),
    );
    await patch(`/v1/tenants/${other.id}`, { status: 'suspended' }, Stagedoor.operatorToken);
    const suspended = await ask();
    expectProblem(suspended, 'forbidden');
    expect(suspended.body['detail']).toMatch(/suspended/);
    await patch(`/v1/tenants/${other.id}`, { status: 'active' }, Stagedoor.operatorToken);
    expectProblem(await stagedoor.post('/v1/spaces/spc_01h455vb4pex5vsknk084sn02q/join', user), 'not_found');
    expectProblem(await ask(), 'space_closed');
    await patch(path, { status: 'open' }, other.key);
    expectProblem(await ask(), 'banned');
    await asSuperuser(stagedoor.database.name, (client) =>
      client.query('delete from bans where tenant_id = $1', [other.id]),
    );
    const roleless = await ask();
    expectProblem(roleless, 'forbidden');
    expect(roleless.body['detail']).toMatch(/role/);
    await patch(path, { defaultRole: 'viewer' }, other.key);
    expectProblem(await ask(), 'space_full');
    await patch(path, { capacity: 2 }, other.key);
    for (let n = 0; n < 5; n++) expect((await ask()).status).toBe(201);
    expectProblem(await ask(), 'rate_limited');
    await patch(path, { capacity: 1 }, other.key);
    expectProblem(await ask(), 'space_full');
  });
});

describe('a ban', () => {
  it('of the tenant keeps the user out of every space, and says for how long and why', async () => {
    const space = await stagedoor.createSpace(tenant);
    const expiresAt = new Date(Date.now() + 3_600_000);
    await ban('mal', null, { expiresAt, reason: 'spam' });
    for (const route of ['join', 'stage-tokens', 'chat-tokens']) {
      const answer = await stagedoor.post(`/v1/spaces/${space['id']}/${route}`, await tenant.issuer.token('mal'));
      expectProblem(answer, 'banned');
      expect(answer.body).toMatchObject({ until: expiresAt.toISOString(), reason: 'spam' });
    }
    expectProblem(await joinFor(space, { userId: 'mal', role: 'host' }), 'banned');
  });

  it('of one space keeps the user out of that one only', async () => {
    const [here, there] = [await stagedoor.createSpace(tenant), await stagedoor.createSpace(tenant)];
    await ban('ned', here['id']);
    expectProblem(await join(here, 'ned'), 'banned');
    expect((await join(there, 'ned')).status).toBe(201);
  });

  it('that is over keeps nobody out', async () => {
    const space = await stagedoor.createSpace(tenant);
    await ban('oli', null, { expiresAt: new Date(Date.now() - 1_000) });
    expect((await join(space, 'oli')).status).toBe(201);
  });

  it('of one tenant’s user is not one of another’s', async () => {
    const other = await stagedoor.createTenant();
    const space = await stagedoor.createSpace(other);
    await ban('pat', null);
    const answer = await stagedoor.post(`/v1/spaces/${space['id']}/join`, await other.issuer.token('pat'));
    expect(answer.status).toBe(201);
  });

  it('that is set while IVS makes the tokens keeps them from being handed out', async () => {
    const space = await stagedoor.createSpace(tenant);
    const fault = stagedoor.ivs.fault({ operation: '*', effect: { delayMs: 60_000 } });
    const joining = join(space, 'quin');
    await until(() => fault.struck > 0, 'IVS is making the tokens');
    await ban('quin', null);
    stagedoor.ivs.clearFaults(fault.id); // IVS makes the tokens now
    const answer = await joining;
    // A machine that takes longer for this than a call to IVS may take says that IVS did not answer.
    expect(['banned', 'ivs_unavailable']).toContain(answer.body['code']);
    expect(answer.text).not.toContain('token"');
    const ledger = await stagedoor.get('/v1/grants?userId=quin', tenant.key);
    expect(ledger.body['data']).toEqual([]);
  });
});

describe('capacity', () => {
  it('counts people, not tokens: whoever is in may come again', async () => {
    const space = await stagedoor.createSpace(tenant, { capacity: 1 });
    expect((await join(space, 'r1')).status).toBe(201);
    expectProblem(await join(space, 'r2'), 'space_full');
    expect((await join(space, 'r1')).status).toBe(201);
  });

  it('gives the last place to one of many who ask at once', async () => {
    const space = await stagedoor.createSpace(tenant, { capacity: 3 });
    const answers = await Promise.all(Array.from({ length: 10 }, (_, i) => join(space, `s${i}`)));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(3);
    for (const answer of answers.filter(({ status }) => status !== 201)) expectProblem(answer, 'space_full');
  });

  it('is counted anew by the watchdog where the count is wrong, and a metric tells', async () => {
    const space = await stagedoor.createSpace(tenant, { capacity: 2 });
    expect((await join(space, 'w1')).status).toBe(201);
    expect((await join(space, 'w2')).status).toBe(201);
    const database = stagedoor.database;
    await until(async () => {
      expectProblem(await join(space, 'w3'), 'space_full');
      const [count] = await database.query(`select is_filled from place_counts where space_id = '${space['id']}'`);
      return count?.['is_filled'] === true;
    }, 'there is a count to rely on');
    const watchdog = stagedoor.app.get(Watchdog);
    const { wrongPlaces } = stagedoor.app.get(Metrics);
    const total = async () => (await wrongPlaces.get()).values[0]?.value ?? 0;
    const before = await total();
    // Somebody has lost their place and nobody has noted it.
    await database.query(`update grants set state = 'refused' where space_id = '${space['id']}' and user_id = 'w1'`);
    await database.query(`update place_counts set checked_at = 'epoch' where space_id = '${space['id']}'`);
    await watchdog.run();
    expect(await total()).toBe(before + 1);
    expect((await join(space, 'w3')).status).toBe(201);
    expectProblem(await join(space, 'w4'), 'space_full');
  });

  it('is not used up by tokens that IVS did not make', async () => {
    const space = await stagedoor.createSpace(tenant, { capacity: 1 });
    const fault = stagedoor.ivs.fault({ operation: 'CreateChatToken', effect: { error: 'InternalServerException' } });
    expectProblem(await join(space, 't1'), 'ivs_unavailable');
    stagedoor.ivs.clearFaults(fault.id);
    expect((await join(space, 't2')).status).toBe(201);
  });
});

describe('the rate', () => {
  it('is told with every token, and held for each user by itself', async () => {
    const space = await stagedoor.createSpace(tenant);
    for (let left = 4; left >= 0; left--) {
      const answer = await join(space, 'uma');
      expect(answer.status).toBe(201);
      expect(answer.headers.get('ratelimit-policy')).toBe('"vends";q=5;w=60');
      expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"vends";r=${left};t=\\d+$`));
    }
    const refused = await join(space, 'uma');
    expectProblem(refused, 'rate_limited');
    expect(refused.headers.get('ratelimit')).toMatch(/^"vends";r=0;t=[1-9]\d*$/);
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60);
    expect((await join(space, 'vic')).status).toBe(201);
  });

  it('counts each kind, whichever route the tokens come by', async () => {
    const space = await stagedoor.createSpace(tenant);
    const ask = async (route: string) =>
      await stagedoor.post(`/v1/spaces/${space['id']}/${route}`, await tenant.issuer.token('una'));
    for (let n = 0; n < 5; n++) expect((await ask('chat-tokens')).status).toBe(201);
    expectProblem(await ask('join'), 'rate_limited');
    expect((await ask('stage-tokens')).headers.get('ratelimit')).toMatch(/^"vends";r=4;/);
  });

  it('cannot be escaped by asking all at once', async () => {
    const space = await stagedoor.createSpace(tenant);
    const answers = await Promise.all(Array.from({ length: 40 }, () => join(space, 'wes')));
    expect(answers.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(5);
  });
});

describe('attributes', () => {
  it('of the role are filled in from the claims, and the caller’s are added', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: null });
    const body = {
      stage: { capabilities: ['SUBSCRIBE'] },
      attributes: { name: '{{claims.name}}', badge: 'gold' },
      clientAttributes: ['mood'],
    };
    await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/gold', { as: tenant.key, body }));
    const answer = await join(space, 'xia', { role: 'gold', name: 'Xia' }, { attributes: { mood: 'glad' } });
    expect(answer.body['stage'].attributes).toEqual({ name: 'Xia', badge: 'gold', mood: 'glad' });
    expectProblem(await join(space, 'xia', { role: 'gold' }, { attributes: { badge: 'platinum' } }), 'forbidden');
    const byKey = await joinFor(space, { userId: 'xia', role: 'gold', attributes: { badge: 'platinum' } });
    expect(byKey.body['stage'].attributes).toMatchObject({ badge: 'platinum' });
  });

  it.each([
    ['1024 bytes', 'x'.repeat(1_023), 201],
    ['1025 bytes', 'x'.repeat(1_024), 400],
    ['1024 bytes of other scripts', `${'ü'.repeat(511)}x`, 201],
    ['1025 bytes of other scripts', 'ü'.repeat(512), 400],
  ])('may come to 1 KB: %s', async (_what, value, status) => {
    const space = await stagedoor.createSpace(tenant);
    expect((await joinFor(space, { userId: `y-${status}-${value.length}`, attributes: { k: value } })).status).toBe(
      status,
    );
  });

  it('may not come to more than 1 KB together with the role’s; a claim that is too long is left out', async () => {
    const space = await stagedoor.createSpace(tenant, { defaultRole: null });
    const body = {
      stage: { capabilities: ['SUBSCRIBE'] },
      attributes: { bio: '{{claims.bio}}', badge: 'gold' },
      clientAttributes: ['mood'],
    };
    await stagedoor.expect(200, stagedoor.request('PUT', '/v1/roles/bio', { as: tenant.key, body }));
    const tooMuch = { attributes: { mood: 'x'.repeat(1_020) } };
    expectProblem(await join(space, 'zoe', { role: 'bio', bio: 'short' }, tooMuch), 'invalid_request');
    const ledger = await stagedoor.get('/v1/grants?userId=zoe', tenant.key);
    expect(ledger.body['data']).toEqual([]);
    const { body: pass } = await join(space, 'zoe', { role: 'bio', bio: 'x'.repeat(1_100) });
    expect(pass['stage'].attributes).toEqual({ bio: '', badge: 'gold' });
  });
});

it('whatever the role and whatever is asked for, a token never allows more than the role', async () => {
  const roomy = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '10000' });
  try {
    const owner = await roomy.createTenant();
    const space = await roomy.createSpace(owner, { defaultRole: null });
    const subset = <T extends string>(all: T[], min: number) => fc.subarray(all, { minLength: min });
    const roles = fc.record({
      stage: fc.option(
        fc.record({
          capabilities: subset(['PUBLISH', 'SUBSCRIBE'], 1),
          ttlSeconds: fc.integer({ min: 60, max: 1_209_600 }),
        }),
      ),
      chat: fc.option(
        fc.record({
          capabilities: subset(['SEND_MESSAGE', 'DELETE_MESSAGE', 'DISCONNECT_USER'], 0),
          sessionMinutes: fc.integer({ min: 1, max: 180 }),
        }),
      ),
    });
    const requests = fc.record(
      {
        stage: fc.boolean(),
        chat: fc.boolean(),
        attributes: fc.dictionary(
          fc.constantFrom('capabilities', 'role', 'allow_publish', 'x'),
          fc.constantFrom('PUBLISH', 'true', 'host'),
        ),
        capabilities: fc.constant(['PUBLISH']),
        ttlSeconds: fc.constant(999_999),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(roles, requests, fc.boolean(), async (role, request, byKey) => {
        await roomy.expect(200, roomy.request('PUT', '/v1/roles/any', { as: owner.key, body: role }));
        const as = byKey ? owner.key : await owner.issuer.token('u', { role: 'any', capabilities: ['PUBLISH'] });
        const body = byKey ? { ...request, userId: 'u', role: 'any' } : request;
        const answer = await roomy.post(`/v1/spaces/${space['id']}/join`, as, body);
        if (answer.status !== 201) {
          expect([400, 403]).toContain(answer.status);
          return;
        }
        const { stage, chat } = answer.body;
        if (stage !== null) {
          expect(stage.capabilities).toEqual(role.stage?.capabilities);
          const joined = roomy.ivs.join(stage.token);
          expect(joined.capabilities).toEqual({
            publish: role.stage?.capabilities.includes('PUBLISH'),
            subscribe: role.stage?.capabilities.includes('SUBSCRIBE'),
          });
          expect(Date.parse(stage.expiresAt)).toBeLessThanOrEqual(
            Date.now() + (role.stage?.ttlSeconds ?? 0) * 1000 + 1_000,
          );
        }
        if (chat !== null) {
          expect(chat.capabilities).toEqual(role.chat?.capabilities);
          const [call] = roomy.ivs.journal({ operation: 'CreateChatToken', limit: 1 });
          expect(call?.input).toMatchObject({ sessionDurationInMinutes: role.chat?.sessionMinutes });
          expect((call?.input as Json | undefined)?.['capabilities'] ?? []).toEqual(role.chat?.capabilities);
        }
      }),
      { numRuns: 60 },
    );
  } finally {
    await roomy.stop();
  }
});
