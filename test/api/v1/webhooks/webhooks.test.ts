/** Webhook endpoints: made, changed, rotated, deleted; and what arrives at a receiver that is well. */
import { Webhook } from 'standardwebhooks';
import { typeid } from 'typeid-js';
import { limits } from '../../../../src/limits.ts';
import { expectProblem } from '../../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';
import { answering, isSignedWith, WebhookReceiver } from '../../../support/webhook-receiver.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});
beforeEach(async () => {
  tenant = await stagedoor.createTenant();
});
afterAll(() => stagedoor.stop());

const create = (body: Json, of = tenant) => stagedoor.expect(201, stagedoor.post('/v1/webhooks', of.key, body));
const get = (id: string) => stagedoor.expect(200, stagedoor.get(`/v1/webhooks/${id}`, tenant.key));
const patch = (id: string, body: Json) =>
  stagedoor.expect(200, stagedoor.request('PATCH', `/v1/webhooks/${id}`, { as: tenant.key, body }));
const deliveries = async (id: string, query = ''): Promise<Json[]> =>
  (await stagedoor.expect(200, stagedoor.get(`/v1/webhooks/${id}/deliveries${query}`, tenant.key)))['data'] as Json[];
const ban = (userId: string) => stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId }));

test('a ban arrives signed, with the id of the event, and the log of deliveries tells of it', async () => {
  await using receiver = await WebhookReceiver.start(answering(200, {}, 'thanks'));
  const { secret, ...webhook } = await create({
    url: receiver.url,
    types: ['ban.created'],
    description: 'ours',
  });
  expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
  expect(webhook).toMatchObject({
    enabled: true,
    ordered: 'none',
    types: ['ban.created'],
    replay: null,
  });
  expect(await get(webhook['id'])).toEqual(webhook);

  const { ban: made } = await ban('troll');
  await until(() => receiver.received.length === 1, 'the ban arrives');
  const [received] = receiver.received;
  expect(received?.event).toMatchObject({
    id: received?.id,
    type: 'ban.created',
    tenantId: tenant.id,
    userId: 'troll',
    data: { banId: made.id },
  });
  expect(isSignedWith(secret, received!)).toBe(true);
  await until(async () => (await deliveries(webhook['id'], '?state=delivered')).length === 1, 'it is in the log');
  const [delivery] = await deliveries(webhook['id']);
  expect(delivery).toMatchObject({
    webhookId: webhook['id'],
    eventId: received?.id,
    reason: 'event',
    state: 'delivered',
    attempts: 1,
    status: 200,
    answer: 'thanks',
    error: null,
    nextAttemptAt: null,
  });
});

test('an endpoint that names grant.issued is told of each token, and one without types is not', async () => {
  await using asks = await WebhookReceiver.start();
  await using takesAll = await WebhookReceiver.start();
  const { secret } = await create({ url: asks.url, types: ['grant.issued'] });
  await create({ url: takesAll.url });
  const space = await stagedoor.createSpace(tenant, { stage: false });
  const path = `/v1/spaces/${space['id']}/join`;
  const { chat } = await stagedoor.expect(201, stagedoor.post(path, tenant.key, { userId: 'alice', role: 'viewer' }));
  await until(() => asks.received.length > 0, 'the endpoint is told of the token');
  const [{ headers, text } = { headers: {}, text: '' }] = asks.received;
  expect(new Webhook(secret).verify(text, headers)).toMatchObject({
    type: 'grant.issued',
    tenantId: tenant.id,
    spaceId: space['id'],
    userId: 'alice',
    data: { grantId: chat['grantId'] },
  });
  expect(text).not.toContain(chat['token']);
  // What the other endpoint is told of later shows that the grant has passed it.
  await ban('alice');
  const types = () => takesAll.received.map(({ event }) => event['type'] as string);
  await until(() => types().includes('ban.created'), 'the other endpoint is told of the ban');
  expect(types()).not.toContain('grant.issued');
  expect(asks.received.map(({ event }) => event['type'])).toEqual(['grant.issued']);
});

test('an endpoint without types gets every type, and only what happens from its creation on', async () => {
  await ban('before');
  const unnumbered = () =>
    stagedoor.database.query('select from events where tenant_id = $1 and position is null', [tenant.id]);
  await until(async () => (await unnumbered()).length === 0, 'what happened before is in the log');
  await using receiver = await WebhookReceiver.start();
  await create({ url: receiver.url });
  const space = await stagedoor.createSpace(tenant, { room: false });
  await stagedoor.expect(
    201,
    stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, {
      userId: 'ann',
    }),
  );
  await ban('troll');
  const types = () => receiver.received.map(({ event }) => event['type'] as string);
  await until(() => types().includes('ban.created'), 'the ban arrives');
  expect(types()).toContain('space.created');
  // That everything of the earlier ban is delivered happens later.
  const bans = receiver.received.filter(({ event }) => event['type'] === 'ban.created');
  expect(bans.map(({ event }) => event['userId'] as string)).toEqual(['troll']);
});

test('during a rotation a webhook has both signatures, and after the grace only the new one', async () => {
  await using receiver = await WebhookReceiver.start();
  const { id, secret: first } = await create({
    url: receiver.url,
    types: ['ban.created'],
  });
  const rotate = async (graceSeconds: number) =>
    (await stagedoor.expect(200, stagedoor.post(`/v1/webhooks/${id}/rotate`, tenant.key, { graceSeconds }))) as Json;
  const { secret: second, oldSecretUntil } = await rotate(3_600);
  expect(Date.parse(oldSecretUntil as string)).toBeGreaterThan(Date.now());
  await ban('one');
  await until(() => receiver.received.length === 1, 'the first ban arrives');
  for (const secret of [first, second]) expect(isSignedWith(secret, receiver.received[0]!)).toBe(true);

  const { secret: third, oldSecretUntil: none } = await rotate(0);
  expect(none).toBeNull();
  await ban('two');
  await until(() => receiver.received.length === 2, 'the second ban arrives');
  expect(isSignedWith(third, receiver.received[1]!)).toBe(true);
  expect(isSignedWith(second, receiver.received[1]!)).toBe(false);
});

test('a test event arrives at one endpoint alone, and a retry sends the same event again', async () => {
  await using receiver = await WebhookReceiver.start();
  await using other = await WebhookReceiver.start();
  const { id } = await create({ url: receiver.url, types: ['ban.created'] });
  await create({ url: other.url });
  const sent = await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/test`, tenant.key, {}));
  await until(() => receiver.received.length === 1, 'the test arrives');
  expect(receiver.received[0]?.event).toMatchObject({
    id: sent['eventId'],
    type: 'webhook.test',
  });
  await until(async () => (await deliveries(id))[0]?.['state'] === 'delivered', 'the test is recorded');
  const retry = `/v1/webhooks/${id}/deliveries/${sent['id']}/retry`;
  await stagedoor.expect(202, stagedoor.post(retry, tenant.key, {}));
  await until(() => receiver.received.length === 2, 'it arrives again');
  expect(receiver.ids).toEqual([sent['eventId'], sent['eventId']]);
  expect(other.received.map(({ event }) => event['type'])).not.toContain('webhook.test');
});

test('an endpoint with as many open deliveries as it may have takes no test and no retry until some have ended', async () => {
  await using receiver = await WebhookReceiver.start();
  const { id } = await create({ url: receiver.url, types: ['ban.created'] });
  const send = () => stagedoor.post(`/v1/webhooks/${id}/test`, tenant.key, {});
  const retry = (delivery: string) => stagedoor.post(`/v1/webhooks/${id}/deliveries/${delivery}/retry`, tenant.key, {});
  const ended = await stagedoor.expect(202, send());
  await until(async () => (await deliveries(id))[0]?.['state'] === 'delivered', 'the first test is recorded');
  const open = Array.from({ length: limits.openWebhookDeliveries }, () => typeid('whd').toString());
  await stagedoor.database.query(
    `insert into webhook_deliveries (tenant_id, id, webhook_id, reason, position, event, type, at, data, next_at)
     select $1, id, $2, 'test', 0, gen_random_uuid(), 'webhook.test', now(), '{}', now() + interval '1 hour' from unnest($3::text[]) as id`,
    [tenant.id, id, open],
  );
  for (const refused of [await send(), await retry(ended['id'] as string)]) {
    expectProblem(refused, 'rate_limited');
    expect(refused.body['detail']).toMatch(/^1000 deliveries of this webhook endpoint are open\. Wait until/);
    expect(refused.headers.get('retry-after')).toBe('60');
  }
  expect(receiver.received).toHaveLength(1);
  // What is open already takes no further place, and once it has arrived there is one.
  await stagedoor.expect(202, retry(open[0] as string));
  await until(async () => (await send()).status === 202, 'there is a place for a test');
});

test('a retry keeps the order of its space: nothing else of the space is sent with it, and it comes before what waits', async () => {
  await using receiver = await WebhookReceiver.start();
  const { id } = await create({ url: receiver.url, types: ['ban.created'], ordered: 'space' });
  await ban('one');
  await until(async () => (await deliveries(id, '?state=delivered')).length === 1, 'the first is delivered');
  const [first] = await deliveries(id);

  let [open, most] = [0, 0];
  let release: (() => void) | undefined;
  receiver.answer = (_, response) => {
    if (receiver.received.at(-1)?.event['type'] !== 'ban.created') return void response.writeHead(204).end();
    most = Math.max(most, (open += 1));
    response.once('close', () => (open -= 1));
    const answer = () => response.writeHead(204).end();
    if (release) answer();
    else release = answer;
  };
  await ban('two');
  await until(() => release !== undefined, 'the second is on its way');
  await ban('three');
  await until(async () => (await deliveries(id)).length === 3, 'the third waits');
  await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/deliveries/${first?.['id']}/retry`, tenant.key, {}));
  await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/test`, tenant.key, {}));
  await until(() => receiver.received.some(({ event }) => event['type'] === 'webhook.test'), 'a test passes them');
  release?.();
  await until(async () => (await deliveries(id, '?state=delivered')).length === 4, 'all are delivered');
  expect(most).toBe(1);
  const users = receiver.received.flatMap(({ event }) => (event['userId'] === undefined ? [] : [event['userId']]));
  // The second comes twice if the machine was so slow that its call was given up.
  expect(users.filter((user, nth) => user !== 'two' || nth === 1)).toEqual(['one', 'two', 'one', 'three']);
});

test('a replay sends the past events of the types again, in order and once each', async () => {
  await using receiver = await WebhookReceiver.start();
  const since = new Date().toISOString();
  const { id } = await create({
    url: receiver.url,
    types: ['ban.created', 'ban.lifted'],
    ordered: 'space',
  });
  for (const user of ['one', 'two', 'three']) {
    const { ban: made } = await ban(user);
    await stagedoor.request('DELETE', `/v1/bans/${made.id}`, {
      as: tenant.key,
      body: {},
    });
  }
  await until(() => receiver.received.length === 6, 'all arrive');
  const bans = receiver.received.filter(({ event }) => event['type'] === 'ban.created').map((one) => one.id);
  expect(bans).toHaveLength(3);
  const body = { since, types: ['ban.created'] };
  await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/replay`, tenant.key, body));
  await until(async () => (await get(id))['replay'] === null && receiver.received.length >= 9, 'the replay is over');
  expect(receiver.ids.slice(6)).toEqual(bans);
  const later = { since: new Date(Date.now() + 3_600_000).toISOString() };
  const empty = await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/replay`, tenant.key, later));
  expect(empty['replay']).toBeNull();
});

test('a disabled endpoint gets nothing, and goes on where it stopped', async () => {
  await using receiver = await WebhookReceiver.start();
  const { id } = await create({ url: receiver.url, types: ['ban.created'] });
  expect(await patch(id, { enabled: false })).toMatchObject({
    enabled: false,
    disabledBecause: 'request',
  });
  for (const path of ['test', 'replay']) {
    const body = path === 'replay' ? { since: '2026-01-01T00:00:00Z' } : {};
    expectProblem(await stagedoor.post(`/v1/webhooks/${id}/${path}`, tenant.key, body), 'conflict');
  }
  await ban('meanwhile');
  await patch(id, { enabled: true });
  await ban('later');
  await until(() => receiver.received.length === 2, 'both arrive');
  expect(new Set(receiver.received.map(({ event }) => event['userId'] as string))).toEqual(
    new Set(['later', 'meanwhile']),
  );
  expect(await get(id)).toMatchObject({
    enabled: true,
    disabledAt: null,
    disabledBecause: null,
    skippedEvents: 0,
  });
});

test('a deleted endpoint is gone, and so is its secret', async () => {
  const { id } = await create({ url: 'http://127.0.0.1:9/' });
  await stagedoor.expect(202, stagedoor.post(`/v1/webhooks/${id}/test`, tenant.key, {}));
  expect(
    (
      await stagedoor.request('DELETE', `/v1/webhooks/${id}`, {
        as: tenant.key,
      })
    ).status,
  ).toBe(204);
  expectProblem(await stagedoor.get(`/v1/webhooks/${id}`, tenant.key), 'not_found');
  expectProblem(await stagedoor.get(`/v1/webhooks/${id}/deliveries`, tenant.key), 'not_found');
  const rows = await stagedoor.database.query('select secret from webhooks where id = $1', [id]);
  for (const { secret } of rows) expect(secret).toHaveLength(0);
  await until(async () => {
    const left = await stagedoor.database.query(
      `select (select count(*)::int from webhooks where id = $1) as webhooks,
              (select count(*)::int from webhook_deliveries where webhook_id = $1) as deliveries`,
      [id],
    );
    return left[0]?.['webhooks'] === 0 && left[0]['deliveries'] === 0;
  }, 'its rows are deleted');
});

test('no secret is stored in clear, and a repeated request does not get it', async () => {
  const send = () =>
    stagedoor.request('POST', '/v1/webhooks', {
      as: tenant.key,
      body: { url: 'http://127.0.0.1:9/' },
      headers: { 'idempotency-key': 'once' },
    });
  const { id, secret } = await stagedoor.expect(201, send());
  const repeated = await send();
  expectProblem(repeated, 'conflict');
  expect(repeated.body).toMatchObject({ id });
  expect(repeated.text).not.toContain(secret as string);
  const key = Buffer.from((secret as string).replace('whsec_', ''), 'base64').toString('hex');
  const [row] = await stagedoor.database.query(
    `select (select jsonb_agg(w)::text from webhooks w) || (select jsonb_agg(a)::text from audit a) as all`,
  );
  expect(row?.['all']).toContain(id);
  expect(row?.['all']).not.toContain(key);
  expect(row?.['all']).not.toContain(secret);
});

test('a tenant has so many endpoints as its quota allows', async () => {
  const as = Stagedoor.operatorToken;
  const body = { quotas: { webhooks: 1 } };
  await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/tenants/${tenant.id}`, { as, body }));
  const { id } = await create({ url: 'http://127.0.0.1:9/' });
  expectProblem(
    await stagedoor.post('/v1/webhooks', tenant.key, {
      url: 'http://127.0.0.1:9/',
    }),
    'quota_exceeded',
  );
  await stagedoor.request('DELETE', `/v1/webhooks/${id}`, { as: tenant.key });
  await create({ url: 'http://127.0.0.1:9/' });
});

test.each([
  [{}, 'url'],
  [{ url: 'ftp://hooks.example.com/' }, 'url'],
  [{ url: 'http://name:secret@hooks.example.com/' }, 'url'],
  [{ url: 'http://127.0.0.1:9/', types: [] }, 'types'],
  [{ url: 'http://127.0.0.1:9/', types: ['ban.created', 'ban.created'] }, 'types'],
  [{ url: 'http://127.0.0.1:9/', types: ['ban.made'] }, 'types.0'],
  [{ url: 'http://127.0.0.1:9/', ordered: 'time' }, 'ordered'],
])('%j is refused', async (body, path) => {
  const answer = await stagedoor.post('/v1/webhooks', tenant.key, body);
  expectProblem(answer, 'invalid_request');
  expect((answer.body['errors'] as Json[]).map((one) => one['path'])).toEqual([path]);
});
