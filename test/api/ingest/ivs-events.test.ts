/** Events of IVS that EventBridge posts: which are taken, which are recognized, and what none of them can do. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { expectProblem } from '../../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

const secret = 'ingest-secret-of-the-tests-0123456789';
const header = 'x-stagedoor-ingest-secret';

let stagedoor: Stagedoor;
let superuser: pg.Client;
let tenant: TestTenant;
let spaceId: string;
let stageArn: string;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({ IVS_EVENTS_SECRET: `the-secret-that-is-to-come-0123456789,${secret}` });
  superuser = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await superuser.connect();
  await another();
});
afterEach(() => superuser.query('delete from ivs_events'));
afterAll(async () => {
  await superuser.end();
  await stagedoor.stop();
});

/** Goes on with a stage of another tenant. */
async function another(more: Json = {}): Promise<void> {
  tenant = await stagedoor.createTenant(undefined, more);
  const space = await stagedoor.createSpace(tenant, { room: false });
  [spaceId, stageArn] = [space['id'], space['stage'].arn];
}

function eventOf(changed: Json = {}, detail: Json = {}): Json {
  const [, , , region = '', account = ''] = stageArn.split(':');
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': 'IVS Stage Update',
    source: 'aws.ivs',
    account,
    time: '2026-11-26T12:00:00Z',
    region,
    resources: [stageArn],
    detail: { session_id: 'st-1', event_name: 'Participant Published', participant_id: 'p', user_id: '', ...detail },
    ...changed,
  };
}

const post = (body: unknown, headers: Record<string, string> = {}): Promise<Answer> =>
  stagedoor.request('POST', '/ingest/ivs-events', { body, headers: { [header]: secret, ...headers } });

const kept = async (): Promise<Json[]> =>
  (await superuser.query<Json>('select * from ivs_events where tenant_id = $1 order by received_at', [tenant.id])).rows;

test('an event is stored once, and a copy of it is recognized', async () => {
  const event = eventOf();
  const answers = [await post(event), await post(event, { 'idempotency-key': 'of-nobody' })];
  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [202, { outcome: 'taken' }],
    [202, { outcome: 'known' }],
  ]);
  expect(await kept()).toMatchObject([{ id: event['id'], space_id: spaceId, type: event['detail-type'] }]);
});

test('copies that come at the same time are stored once', async () => {
  const event = eventOf();
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(event)));
  expect(answers.map(({ body }) => body['outcome'] as string).sort()).toEqual([
    ...Array.from({ length: 9 }, () => 'known'),
    'taken',
  ]);
  expect(await kept()).toHaveLength(1);
});

test('an event of a kind that nobody knows yet is kept', async () => {
  expect((await post(eventOf({ 'detail-type': 'IVS Something New' }))).body).toEqual({ outcome: 'taken' });
  const long = eventOf({ 'detail-type': 'IVS Something Long' }, { text: 'x'.repeat(10_000) });
  expect((await post(long)).body).toEqual({ outcome: 'taken' });
  expect((await kept()).map(({ type, detail }) => [type, detail !== null])).toEqual([
    ['IVS Something New', true],
    ['IVS Something Long', false],
  ]);
});

test.each<[string, () => Json, string]>([
  ['from another service', () => ({ source: 'aws.ec2' }), 'source'],
  ['from another account', () => ({ account: '999999999999' }), 'account'],
  ['from another Region', () => ({ region: 'us-west-2' }), 'account'],
  ['about a stage that nobody has', () => ({ resources: [`${stageArn}x`] }), 'resource'],
  ['about nothing', () => ({ resources: [] }), 'resource'],
])('an event %s changes nothing', async (_, changed, reason) => {
  const answer = await post(eventOf(changed()));
  expect([answer.status, answer.body]).toEqual([202, { outcome: 'ignored', reason }]);
  expect(await kept()).toEqual([]);
});

test('an event about the stage of a deleted space changes nothing', async () => {
  const event = eventOf();
  await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/spaces/${spaceId}`, { as: tenant.key }));
  await another();
  expect((await post(event)).body).toEqual({ outcome: 'ignored', reason: 'resource' });
});

test('an event of a tenant with an AWS account of its own must be from that account', async () => {
  const aws = { roleArn: 'arn:aws:iam::444455556666:role/stagedoor', externalId: 'external' };
  await another({ aws });
  expect(eventOf()['account']).toBe('444455556666');
  expect((await post(eventOf())).body).toEqual({ outcome: 'taken' });
  expect((await post(eventOf({ account: '111122223333' }))).body).toEqual({ outcome: 'ignored', reason: 'account' });
  await another();
});

test('a stranger learns nothing, and the secret is not in the answer', async () => {
  for (const wrong of ['', `${secret}x`, `${secret},${secret}`]) {
    const answer = await post(eventOf(), { [header]: wrong });
    expectProblem(answer, 'unauthenticated');
    expect(answer.body['detail']).toContain(header);
  }
  const { headers } = await post(eventOf(), { 'x-request-id': secret });
  expect(headers.get('x-request-id')).not.toBe(secret);
  expect(await kept()).toHaveLength(1);
});

test.each<[string, () => unknown, string]>([
  ['no JSON', () => '{', ''],
  ['a list', () => [eventOf()], ''],
  ['an empty object', () => ({}), 'id'],
  ['no detail', () => eventOf({ detail: undefined }), 'detail'],
  ['a detail that is a text', () => eventOf({ detail: 'x' }), 'detail'],
  ['an account that is none', () => eventOf({ account: 'me' }), 'account'],
  ['a time that is none', () => eventOf({ time: 'now' }), 'time'],
  ['a time that Postgres does not have', () => eventOf({ time: '0000-01-01T00:00:00Z' }), 'time'],
  ['a detail that Postgres cannot keep', () => eventOf({}, { user_id: 'a\0' }), 'detail'],
  ['an id that Postgres cannot keep', () => eventOf({ id: '\ud800' }), 'id'],
])('%s is refused with what to change', async (_, body, field) => {
  const answer = await post(body());
  expectProblem(answer, 'invalid_request');
  const paths = ((answer.body['errors'] ?? []) as Json[]).map(({ path }) => path as string);
  if (field !== '') expect(paths).toContain(field);
  expect(await kept()).toEqual([]);
});

test('a body that is too large is refused', async () => {
  expectProblem(await post(eventOf({}, { text: 'x'.repeat(70_000) })), 'payload_too_large');
});

test('too many events of a tenant are to come later, and another tenant does not wait for them', async () => {
  const other = eventOf();
  await another();
  // Nothing comes in until a time that is still to come.
  await superuser.query(
    `insert into pacing (account, operation, allowance, at) values ($1, 'events of IVS', 0, now() + interval '1 hour')`,
    [`tenant ${tenant.id}`],
  );
  const answer = await post(eventOf());
  expectProblem(answer, 'rate_limited');
  expect(answer.headers.get('retry-after')).toBe('1');
  expect((await post(other)).body).toEqual({ outcome: 'taken' });
  await another();
});

test('while the database cannot store it, EventBridge is asked to come again', async () => {
  const event = eventOf();
  await superuser.query('begin; lock table ivs_events in access exclusive mode');
  const answer = await stagedoor.once.request('POST', '/ingest/ivs-events', {
    body: event,
    headers: { [header]: secret },
  });
  await superuser.query('rollback');
  expectProblem(answer, 'unavailable');
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await post(event)).body).toEqual({ outcome: 'taken' });
});

test('the emulator posts what happens on a stage, each event twice, and it is stored once', async () => {
  const headers = { [header]: secret };
  stagedoor.ivs.setEvents({ targets: [{ url: `${stagedoor.url}/ingest/ivs-events`, headers }], doubled: 1 });
  const join = await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${spaceId}/join`, tenant.key, { userId: 'ann', role: 'host' }),
  );
  const ann = stagedoor.ivs.join(join['stage'].token);
  stagedoor.ivs.publish(ann);
  stagedoor.ivs.unpublish(ann);
  await until(
    () => stagedoor.ivs.events().every(({ deliveries }) => deliveries.every(({ state }) => state === 'delivered')),
    'everything is delivered',
  );
  expect((await kept()).map(({ detail }) => [detail.event_name, detail.user_id])).toEqual([
    ['Participant Published', 'ann'],
    ['Participant Unpublished', 'ann'],
  ]);
});
