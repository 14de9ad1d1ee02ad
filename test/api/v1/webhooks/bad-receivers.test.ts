/** Receivers that are down, slow, gone or hostile: what becomes of their events, and that nobody else notices. */
import type { ServerResponse } from 'node:http';
import { limits } from '../../../../src/limits.ts';
import { sized } from '../../../support/full-size.ts';
import { type Json, Stagedoor, type TestTenant } from '../../../support/stagedoor.ts';
import { until } from '../../../support/until.ts';
import { answering, WebhookReceiver } from '../../../support/webhook-receiver.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
});
beforeEach(async () => {
  tenant = await stagedoor.createTenant();
});
afterAll(() => stagedoor.stop());

async function create(url: string, more: Json = {}, of = tenant): Promise<string> {
  const body = { url, types: ['ban.created'], ...more };
  return (await stagedoor.expect(201, stagedoor.post('/v1/webhooks', of.key, body)))['id'] as string;
}

const get = (id: string) => stagedoor.expect(200, stagedoor.get(`/v1/webhooks/${id}`, tenant.key));
const deliveries = async (id: string, query = ''): Promise<Json[]> =>
  (await stagedoor.expect(200, stagedoor.get(`/v1/webhooks/${id}/deliveries${query}`, tenant.key)))['data'] as Json[];

/** Puts events into the log as if so many bans had been made. */
async function bans(count: number, of = tenant, space: string | null = null): Promise<void> {
  await stagedoor.database.query(
    `insert into events (tenant_id, type, space_id, data)
     select $1, 'ban.created', $2, jsonb_build_object('n', n) from generate_series(1, $3::int) n`,
    [of.id, space, count],
  );
}

/** Lets the time pass until the next attempt of everything that waits for one. */
async function hurry(id: string): Promise<void> {
  await stagedoor.database.query(
    `update webhook_deliveries set next_at = now() where webhook_id = $1 and state = 'pending' and next_at > now()`,
    [id],
  );
}

const upTo = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

test('an event is sent again, each time with the same id, until the receiver takes it', async () => {
  await using receiver = await WebhookReceiver.start(answering(503, {}, 'not now'));
  const id = await create(receiver.url);
  await bans(1);
  await until(async () => (await deliveries(id))[0]?.['status'] === 503, 'the first attempt has failed');
  expect((await deliveries(id))[0]).toMatchObject({
    state: 'pending',
    attempts: 1,
    answer: 'not now',
    error: 'status',
  });
  expect((await get(id))['failingSince']).not.toBeNull();
  receiver.answer = answering(302, { location: 'http://127.0.0.1:9/' });
  await hurry(id);
  await until(async () => (await deliveries(id))[0]?.['error'] === 'redirect', 'the second attempt has failed');
  receiver.answer = answering(204);
  await hurry(id);
  await until(async () => (await deliveries(id))[0]?.['state'] === 'delivered', 'the third attempt succeeds');
  expect(receiver.ids).toHaveLength(3);
  expect(new Set(receiver.ids).size).toBe(1);
  expect((await get(id))['failingSince']).toBeNull();
});

test('when a receiver that was down is back, all that waited arrives at once, and nothing is missing', async () => {
  await using receiver = await WebhookReceiver.start(answering(500));
  const id = await create(receiver.url);
  await bans(30);
  await until(async () => {
    const tried = await deliveries(id, '?limit=100');
    return tried.length === 30 && tried.every(({ status }) => status === 500);
  }, 'all have failed');
  receiver.received.length = 0;
  receiver.answer = answering(204);
  await bans(1); // a new event is tried at once, and its success says that the receiver is back
  await until(() => receiver.received.length === 31, 'all arrive');
  expect(new Set(receiver.ids).size).toBe(31);
});

test('a receiver that was down for an hour gets everything, also what had to wait in the log', async () => {
  await using receiver = await WebhookReceiver.start(answering(500));
  const id = await create(receiver.url);
  const count = sized(60, limits.openWebhookDeliveries + 50);
  await bans(count);
  const state = async () => {
    const [row] = await stagedoor.database.query(
      `select failures, (select count(*)::int from webhook_deliveries d where d.webhook_id = w.id) as made from webhooks w where id = $1`,
      [id],
    );
    return row as { failures: number; made: number };
  };
  await until(async () => {
    const { failures, made } = await state();
    return failures > limits.steadyFailures && made === Math.min(count, limits.openWebhookDeliveries);
  }, 'as many are open as may be, and the endpoint has failed often');
  await stagedoor.database.query(
    `update webhook_deliveries
        set next_at = next_at - interval '1 hour', tried_since = tried_since - interval '1 hour', created_at = created_at - interval '1 hour'
      where webhook_id = $1`,
    [id],
  );
  receiver.received.length = 0;
  receiver.answer = answering(204);
  await until(() => new Set(receiver.ids).size === count, 'everything arrives');
  await until(async () => (await state()).failures === 0, 'the endpoint counts as well again');
  const numbers = new Set(receiver.received.map(({ event }) => (event['data'] as { n: number }).n));
  expect(numbers.size).toBe(count);
});

test('410 disables the endpoint, another endpoint hears of it, and it goes on when it is enabled', async () => {
  await using receiver = await WebhookReceiver.start(answering(410));
  await using other = await WebhookReceiver.start();
  const id = await create(receiver.url);
  await create(other.url, { types: ['webhook.disabled'] });
  await bans(1);
  await until(() => other.received.length === 1, 'the other endpoint hears of it');
  expect(other.received[0]?.event).toMatchObject({
    type: 'webhook.disabled',
    data: { webhookId: id, because: 'gone' },
  });
  expect(await get(id)).toMatchObject({ enabled: false, disabledBecause: 'gone' });
  const audit = await stagedoor.expect(200, stagedoor.get('/v1/audit?action=webhook.disable', tenant.key));
  expect(audit['data']).toMatchObject([{ subject: id, details: { because: 'gone' } }]);
  await bans(1);
  receiver.answer = answering(204);
  const body = { enabled: true };
  await stagedoor.expect(200, stagedoor.request('PATCH', `/v1/webhooks/${id}`, { as: tenant.key, body }));
  await until(() => new Set(receiver.ids).size === 2, 'what was open and what came later arrives');
});

test('an endpoint is disabled after five days of failures', async () => {
  await using receiver = await WebhookReceiver.start(answering(500));
  const id = await create(receiver.url);
  const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000);
  await stagedoor.database.query(`update webhooks set failing_since = $2, failures = 3 where id = $1`, [
    id,
    ago(limits.failingWebhookSeconds + 60),
  ]);
  await bans(1);
  await until(async () => (await get(id))['disabledBecause'] === 'failing', 'it is disabled');
});

test('a delivery that has failed for three days counts as failed, and can be sent again', async () => {
  await using receiver = await WebhookReceiver.start(answering(500));
  const id = await create(receiver.url);
  await bans(1);
  await until(async () => (await deliveries(id))[0]?.['status'] === 500, 'the first attempt has failed');
  await stagedoor.database.query(
    `update webhook_deliveries set tried_since = now() - interval '80 hours', next_at = now() where webhook_id = $1`,
    [id],
  );
  await until(async () => (await deliveries(id, '?state=failed')).length === 1, 'it has failed');
  receiver.answer = answering(204);
  const [failed] = await deliveries(id);
  const path = `/v1/webhooks/${id}/deliveries/${failed?.['id']}/retry`;
  expect(await stagedoor.expect(202, stagedoor.post(path, tenant.key, {}))).toMatchObject({ state: 'pending' });
  await until(async () => (await deliveries(id, '?state=delivered')).length === 1, 'it is delivered');
});

test('Retry-After holds back everything for the endpoint', async () => {
  await using receiver = await WebhookReceiver.start(answering(429, { 'retry-after': '600' }));
  const id = await create(receiver.url);
  await bans(1);
  await until(async () => (await deliveries(id))[0]?.['status'] === 429, 'the first attempt is recorded');
  await using witness = await WebhookReceiver.start();
  await create(witness.url);
  await bans(1);
  await until(() => witness.received.length === 1, 'the second event arrives elsewhere');
  await until(async () => (await deliveries(id)).length === 2, 'the second event waits');
  expect(receiver.received).toHaveLength(1);
  const [row] = await stagedoor.database.query(
    `select paused_until > now() + interval '500 seconds' as is_paused from webhooks where id = $1`,
    [id],
  );
  expect(row).toEqual({ is_paused: true });
});

test('a receiver that hangs holds its own places only: others of the tenant, and other tenants, get everything', async () => {
  const open = new Set<ServerResponse>();
  let most = 0;
  await using hanging = await WebhookReceiver.start((_, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    most = Math.max(most, open.size);
  });
  await using healthy = await WebhookReceiver.start();
  await using foreign = await WebhookReceiver.start();
  const neighbour = await stagedoor.createTenant();
  await create(hanging.url);
  await create(healthy.url);
  await create(foreign.url, {}, neighbour);
  await bans(40);
  await until(() => open.size > 0, 'calls hang');
  await bans(40, neighbour);
  await until(() => healthy.received.length === 40 && foreign.received.length === 40, 'the others get everything');
  expect(new Set([...healthy.ids, ...foreign.ids]).size).toBe(80);
  expect(healthy.received.every(({ event }) => event['tenantId'] === tenant.id)).toBe(true);
  expect(foreign.received.every(({ event }) => event['tenantId'] === neighbour.id)).toBe(true);
  expect(most).toBeLessThanOrEqual(limits.webhookCallsOfEndpoint);
});

test('the order of each space is kept where it is asked for, also if every third call fails', async () => {
  await using receiver = await WebhookReceiver.start();
  const id = await create(receiver.url, { ordered: 'space' });
  let calls = 0;
  const taken: Json[] = [];
  receiver.answer = (_, response) => {
    const isTaken = ++calls % 3 !== 0;
    if (isTaken) taken.push(receiver.received.at(-1)?.event ?? {});
    response.writeHead(isTaken ? 204 : 500).end();
  };
  for (const space of ['spc_a', 'spc_b']) await bans(8, tenant, space);
  await until(async () => {
    await hurry(id);
    return taken.length === 16;
  }, 'all arrive');
  for (const space of ['spc_a', 'spc_b']) {
    const order = taken.filter(({ spaceId }) => spaceId === space).map(({ data }) => data.n as number);
    expect(order).toEqual(upTo(8));
  }
});
