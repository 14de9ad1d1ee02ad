import { IVSRealTimeClient, ListStagesCommand } from '@aws-sdk/client-ivs-realtime';
import { IvschatClient, ListRoomsCommand } from '@aws-sdk/client-ivschat';
import type { FaultEffect } from '../../emulator/src/index.ts';
import type { ProblemCode } from '../../src/errors.ts';
import { PendingSweeper } from '../../src/grants/pending-sweeper.ts';
import { IdleKeySweeper } from '../../src/signing-keys/idle-key-sweeper.ts';
import { SpaceReclaimer } from '../../src/spaces/space-reclaimer.ts';
import { asSuperuser } from '../support/database.ts';
import { inTime } from '../support/own-time.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ VENDS_PER_USER_PER_MINUTE: '10000' });
});

beforeEach(async () => {
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
});

afterEach(async () => {
  stagedoor.ivs.clearFaults();
  await until(async () => (await join()).status === 201, 'vending works again when the fault is over');
});

afterAll(async () => {
  await stagedoor.stop();
});

function join(body: Json = {}): Promise<Answer> {
  return stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'u', ...body });
}

function createSpace(): Promise<Answer> {
  return stagedoor.post('/v1/spaces', tenant.key, { name: 'New' });
}

async function query(text: string, values: unknown[] = []): Promise<Json[]> {
  let rows: Json[] = [];
  await asSuperuser(stagedoor.database.name, async (client) => {
    ({ rows } = await client.query<Json>(text, values));
  });
  return rows;
}

/** ARNs of the stages and rooms at IVS that no space of ours has. */
async function leaked(): Promise<string[]> {
  const rows = await query('select stage_arn as arn from spaces union select room_arn from spaces');
  const known = new Set(rows.map(({ arn }) => arn as string));
  const credentials = { accessKeyId: 'local', secretAccessKey: 'local' };
  const config = { endpoint: stagedoor.ivs.url, region: 'us-east-1', credentials };
  const { stages = [] } = await new IVSRealTimeClient(config).send(new ListStagesCommand({ maxResults: 100 }));
  const { rooms = [] } = await new IvschatClient(config).send(new ListRoomsCommand({ maxResults: 50 }));
  return [...stages, ...rooms].map(({ arn }) => arn ?? '').filter((arn) => !known.has(arn));
}

async function nothingLeaks(): Promise<void> {
  await until(async () => {
    await stagedoor.app.get(SpaceReclaimer).run('0 seconds');
    return (await leaked()).length === 0;
  }, 'what was created in vain is removed');
}

/** Longest that the service may wait for IVS: a call has 2.5 seconds, and there is no time for a second one. */
const inTimeMs = 4_500;

const effects: [string, FaultEffect, ProblemCode][] = [
  ['throttles', { throttle: true }, 'ivs_unavailable'],
  ['fails with 500', { error: 'InternalServerException' }, 'ivs_unavailable'],
  ['fails with 503', { error: 'ServiceUnavailable', status: 503 }, 'ivs_unavailable'],
  ['does not answer', { hang: true }, 'ivs_unavailable'],
  ['does the work and does not answer', { hang: true, afterWork: true }, 'ivs_unavailable'],
  ['cuts the connection before the work', { reset: 'before' }, 'ivs_unavailable'],
  ['cuts the connection after the work', { reset: 'after' }, 'ivs_unavailable'],
  ['answers 200 with nothing', { empty: true }, 'ivs_rejected'],
  ['says a quota is used up', { error: 'ServiceQuotaExceededException', status: 402 }, 'quota_exceeded'],
  ['denies access', { error: 'AccessDeniedException', status: 403 }, 'ivs_rejected'],
  ['says the account is pending', { error: 'PendingVerification', status: 403 }, 'ivs_rejected'],
  ['does not know the thing', { error: 'ResourceNotFoundException', status: 404 }, 'ivs_rejected'],
  ['finds the request invalid', { error: 'ValidationException', status: 400 }, 'ivs_rejected'],
];

describe.each(['CreateParticipantToken', 'CreateChatToken'])('when %s', (operation) => {
  it.each(effects)('%s, nothing is vended and the caller is told in time', async (_what, effect, code) => {
    const fault = stagedoor.ivs.fault({ operation, effect });
    const answer = await inTime(inTimeMs, () => join());
    expectProblem(answer, code);
    expect(answer.headers.get('retry-after')).toMatch(/^[1-9]\d*$/);
    expect(fault.struck).toBe(1); // one request, one call: a repeated one would make a participant nobody knows of
    const grants = await query('select state from grants where tenant_id = $1', [tenant.id]);
    expect(grants.map(({ state }) => state as string)).toEqual(['refused', 'refused']);
    expect((await stagedoor.get('/v1/grants', tenant.key)).body['data']).toEqual([]);
  });
});

describe.each(['CreateStage', 'CreateRoom'])('when %s', (operation) => {
  it.each(effects.filter(([what]) => !/503|pending|invalid/.test(what)))(
    '%s, no space is made and the other half is not leaked',
    async (_what, effect, code) => {
      stagedoor.ivs.fault({ operation, effect });
      expectProblem(await inTime(inTimeMs, createSpace), code);
      stagedoor.ivs.clearFaults();
      expect((await stagedoor.get('/v1/spaces', tenant.key)).body['data']).toHaveLength(1);
      await nothingLeaks();
    },
  );
});

it('when all of IVS hangs, every answer still comes in time', async () => {
  const { id: keyId } = await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  const spent = await stagedoor.createSpace(tenant, { name: 'Spent' });
  stagedoor.ivs.fault({ operation: '*', effect: { hang: true } });
  const requests: Record<string, () => Promise<Answer>> = {
    join: () => join(),
    create: createSpace,
    remove: () => stagedoor.request('DELETE', `/v1/spaces/${spent['id']}`, { as: tenant.key }),
    rotate: () => stagedoor.post('/v1/signing-keys/rotate', tenant.key),
  };
  const answers = Object.values(requests).map((send) => inTime(inTimeMs, send));
  for (const answer of await Promise.all(answers)) expectProblem(answer, 'ivs_unavailable');
  const removal = () => stagedoor.request('DELETE', `/v1/signing-keys/${keyId}`, { as: tenant.key });
  expectProblem(await inTime(inTimeMs, removal), 'ivs_unavailable');
  expect((await stagedoor.get('/health/ready')).status).toBe(200);
  stagedoor.ivs.clearFaults();
  await until(async () => (await removal()).status === 204, 'the signing key can be deleted');
});

it('a stage that IVS makes long after everybody stopped waiting is removed too', async () => {
  stagedoor.ivs.fault({ operation: 'CreateStage', count: 1, effect: { delayMs: 3_500 } });
  expectProblem(await createSpace(), 'ivs_unavailable');
  await until(async () => (await leaked()).length > 0, 'IVS gets round to it');
  await nothingLeaks();
});

it('a tenant with a signing key gets stage tokens while IVS makes none', async () => {
  const { id: keyId } = await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  const fault = stagedoor.ivs.fault({ operation: 'CreateParticipantToken', effect: { hang: true } });
  const answer = await join({ chat: false });
  expect(answer.body).toMatchObject({ stage: { mint: 'key-pair' } });
  expect(stagedoor.ivs.join(answer.body['stage'].token).userId).toBe('u');
  expect(fault.matched).toBe(0);
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/signing-keys/${keyId}`, { as: tenant.key }));
});

it('an operation that keeps failing is not called for a second, and then tried again', async () => {
  const fault = stagedoor.ivs.fault({ operation: 'CreateChatToken', effect: { error: 'InternalServerException' } });
  const began = performance.now();
  for (let i = 0; i < 40; i++) expectProblem(await join({ stage: false }), 'ivs_unavailable');
  // Ten failures open the breaker; after that it lets one call in a second pass.
  const seconds = (performance.now() - began) / 1_000;
  expect(fault.struck).toBeLessThanOrEqual(10 + seconds);
  expect((await join({ chat: false })).status).toBe(201); // another operation has another breaker
  stagedoor.ivs.clearFaults();
  await until(async () => (await join({ stage: false })).status === 201, 'the breaker closes');
});

it('a deletion that IVS did not finish is finished later, and nobody gets in meanwhile', async () => {
  stagedoor.ivs.fault({ operation: 'DeleteStage', effect: { error: 'InternalServerException' } });
  const path = `/v1/spaces/${space['id']}`;
  expectProblem(await stagedoor.request('DELETE', path, { as: tenant.key }), 'ivs_unavailable');
  expectProblem(await join(), 'not_found');
  expectProblem(await stagedoor.get(path, tenant.key), 'not_found');
  stagedoor.ivs.clearFaults();
  await until(async () => {
    await stagedoor.app.get(SpaceReclaimer).run('0 seconds');
    const [row] = await query('select stage_arn, room_arn from spaces where id = $1', [space['id']]);
    return row?.['stage_arn'] === null && row['room_arn'] === null;
  }, 'the reclaimer finishes');
  expect(await leaked()).toEqual([]);
  space = await stagedoor.createSpace(tenant);
});

it('a signing key whose import was cut short is cleared away, and making one works again', async () => {
  stagedoor.ivs.fault({ operation: 'ImportPublicKey', count: 1, effect: { reset: 'after' } });
  stagedoor.ivs.fault({ operation: 'ListPublicKeys', effect: { error: 'InternalServerException' } });
  expectProblem(await stagedoor.post('/v1/signing-keys', tenant.key), 'ivs_unavailable');
  expect((await stagedoor.get('/v1/signing-keys', tenant.key)).body['data']).toEqual([]);
  stagedoor.ivs.clearFaults();
  await until(async () => {
    await stagedoor.app.get(IdleKeySweeper).run('0 seconds');
    return (await query('select id from signing_keys where tenant_id = $1', [tenant.id])).length === 0;
  }, 'the half-made key is removed');
  const { id } = await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/signing-keys/${id}`, { as: tenant.key }));
});

it('a grant whose vend did not end is closed, because its token reached nobody', async () => {
  await stagedoor.expect(201, join());
  await query(`update grants set state = 'pending', issued_at = now() - interval '2 minutes' where tenant_id = $1`, [
    tenant.id,
  ]);
  await stagedoor.app.get(PendingSweeper).run();
  const grants = await query('select state from grants where tenant_id = $1', [tenant.id]);
  expect(grants.map(({ state }) => state as string)).toEqual(['refused', 'refused']);
});
