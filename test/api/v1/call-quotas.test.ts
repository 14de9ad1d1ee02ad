/** GET /v1/quotas: the rates of IVS that tenants share, what is left, and who uses them. */
import { CallUses } from '../../../src/ivs/call-uses.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

const { operatorToken } = Stagedoor;
let stagedoor: Stagedoor;
let acme: TestTenant;
let globex: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  [acme, globex] = await Promise.all([stagedoor.createTenant(), stagedoor.createTenant()]);
});

afterAll(() => stagedoor.stop());

async function quotasOf(as: string): Promise<Json[]> {
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/quotas', as));
  return data as Json[];
}

async function quotaOf(as: string, operation: string, lane: string): Promise<Json> {
  const [account] = await quotasOf(as);
  const found = (account?.['quotas'] as Json[] | undefined)?.find(
    (one) => one['operation'] === operation && one['lane'] === lane,
  );
  if (!found) throw new Error(`there is no quota of ${operation} for ${lane}`);
  return found;
}

/** Lets the service note the calls that it has counted. */
const note = () => stagedoor.app.get(CallUses, { strict: false }).run();

test('a tenant sees each rate of its account, what is left, its own calls and the sum of all, and no other tenant', async () => {
  const space = await stagedoor.createSpace(acme);
  const other = await stagedoor.createSpace(globex);
  for (const [tenant, { id }, people] of [
    [acme, space, 2],
    [globex, other, 3],
  ] as const) {
    for (let n = 0; n < people; n++) {
      const body = { userId: `u${n}` };
      await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${id}/join`, tenant.key, body));
    }
  }
  await note();
  const [account, ...more] = await quotasOf(acme.key);
  expect(more).toEqual([]);
  expect(account).toMatchObject({ account: 'own', region: 'us-east-1' });
  const tokens = await quotaOf(acme.key, 'CreateParticipantToken', 'tokens');
  expect(tokens).toEqual({
    operation: 'CreateParticipantToken',
    lane: 'tokens',
    perSecond: 50,
    left: null,
    waitSeconds: 0,
    callsInLastMinute: { yours: expect.any(Number), all: expect.any(Number) },
  });
  // Calls count for less as time goes by, so on a slow machine there are fewer than were made.
  const { yours, all } = tokens['callsInLastMinute'];
  expect(yours).toBeGreaterThanOrEqual(1);
  expect(yours).toBeLessThanOrEqual(2);
  expect(all).toBeGreaterThan(yours);
  expect(all).toBeLessThanOrEqual(5);
  expect(await quotaOf(acme.key, 'CreateRoom', 'tenants')).toMatchObject({ perSecond: 4.5 });
  expect(await quotaOf(acme.key, 'DisconnectParticipant', 'moderation')).toMatchObject({
    perSecond: 4.8,
    left: 2,
    waitSeconds: 0,
    callsInLastMinute: { yours: 0, all: 0 },
  });
  const { text } = await stagedoor.get('/v1/quotas', acme.key);
  expect(text).not.toContain(globex.id);
  expect(text).not.toContain(globex.slug);
});

test('what is used up is shown as used up, with the wait until one more call', async () => {
  await stagedoor.database.query(
    `insert into pacing (account, operation, allowance, at) values ('own us-east-1', 'DeleteMessage', -95000, now())`,
  );
  const { left, waitSeconds } = await quotaOf(acme.key, 'DeleteMessage', 'moderation');
  expect(left).toBe(0);
  expect(waitSeconds).toBeGreaterThan(800);
  expect(waitSeconds).toBeLessThan(1_001);
});

test('the operator sees who made the calls, in every account that was used', async () => {
  await stagedoor.database.query(
    `insert into ivs_calls (tenant_id, account, operation, recent, at)
     values ($1, 'arn:aws:iam::123456789012:role/live eu-west-1', 'GetStage', 7, now() + interval '1 hour')`,
    [globex.id],
  );
  const accounts = await quotasOf(operatorToken);
  expect(accounts.map(({ account, region }) => [account, region])).toEqual([
    ['arn:aws:iam::123456789012:role/live', 'eu-west-1'],
    ['own', 'us-east-1'],
  ]);
  const quota = (accounts[0]?.['quotas'] as Json[] | undefined)?.find(
    (one) => one['operation'] === 'GetStage' && one['lane'] === 'moderation',
  );
  expect(quota?.['callsInLastMinute']).toEqual({ yours: null, all: 7, tenants: [{ tenantId: globex.id, calls: 7 }] });
});

test('a delivery of moderation counts as a call of the tenant whose moderator acts', async () => {
  const space = await stagedoor.createSpace(acme);
  const tokens = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, acme.key, { userId: 'troll', chat: false }),
  );
  stagedoor.ivs.join(tokens['stage'].token);
  await stagedoor.expect(201, stagedoor.post('/v1/bans', acme.key, { userId: 'troll', spaceId: space['id'] }));
  await until(async () => {
    await note();
    const { callsInLastMinute } = await quotaOf(acme.key, 'DisconnectParticipant', 'moderation');
    return callsInLastMinute.yours >= 1;
  }, 'the disconnect is counted');
});

test('it is for keys that may read moderation, and for the operator', async () => {
  const { body } = await stagedoor.post('/v1/api-keys', acme.key, { name: 'spaces', scopes: ['spaces:read'] });
  expectProblem(await stagedoor.get('/v1/quotas', body['key']), 'forbidden');
  expectProblem(await stagedoor.get('/v1/quotas', await acme.issuer.token('ann', { role: 'host' })), 'forbidden');
});
