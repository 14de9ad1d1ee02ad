/** Webhooks while replicas are killed and Postgres is away: each event arrives at each endpoint, in order where that is asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAmid } from '../support/amid.ts';
import { Cluster } from '../support/cluster.ts';
import { sized } from '../support/full-size.ts';
import { Outage, writeEvent } from '../support/outage.ts';
import type { Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';
import { answering, WebhookReceiver } from '../support/webhook-receiver.ts';

const events = sized(150, 5_000);
const kills = sized(2, 30);
const spaces = ['spc_a', 'spc_b', 'spc_c'];

/** Postgres is away each time when so many replicas were killed. */
const killsToOutage = sized(2, 10);

let outage: Outage;
let cluster: Cluster;
let tenant: TestTenant;

beforeAll(async () => {
  outage = await Outage.prepare();
  cluster = await Cluster.start(2, {}, outage);
  tenant = await cluster.at(0).createTenant();
});
afterAll(async () => {
  await cluster.stop();
  await outage.stop();
});

const create = (receiver: WebhookReceiver, ordered: string) => {
  const body = { url: receiver.url, types: ['ban.created'], ordered };
  return cluster.at(0).expect(201, cluster.at(0).post('/v1/webhooks', tenant.key, body));
};

/** Puts events into the log while one replica after the other is killed. */
async function writeWhileReplicasDie(): Promise<void> {
  await writeAmid(events, kills, {
    prepare: () => cluster.add(),
    async write(n) {
      const spaceId = spaces[n % spaces.length] ?? null;
      await writeEvent(cluster.database, tenant.id, { type: 'ban.created', spaceId, data: { n } });
      await sleep(5);
    },
    async interrupt(nth) {
      await cluster.at(nth).kill();
      if ((nth + 1) % killsToOutage === 0) await outage.happen();
    },
  });
}

test('each event arrives at each of three endpoints at least once, and the order of a space is kept where it is asked for', async () => {
  await using plain = await WebhookReceiver.start();
  await using ordered = await WebhookReceiver.start();
  await using flapping = await WebhookReceiver.start();
  let calls = 0;
  flapping.answer = (request, response) => answering(++calls % 4 === 0 ? 500 : 204)(request, response);
  for (const [receiver, order] of [
    [plain, 'none'],
    [ordered, 'space'],
    [flapping, 'space'],
  ] as const)
    await create(receiver, order);

  await writeWhileReplicasDie();

  // The time passes until the next attempts of what has failed.
  const open = async () => {
    await cluster.database.query(
      `update webhook_deliveries set next_at = now() where state = 'pending' and next_at > now() and attempts > 0`,
    );
    const [row] = await cluster.database.query(
      `select (select count(*)::int from webhook_deliveries where state = 'pending') as open,
              (select min(w.position) = max(l.last_position) from webhooks w join event_logs l using (tenant_id)) as is_fed,
              (select count(*)::int from events where position is null) as unnumbered`,
    );
    return row?.['open'] === 0 && row['is_fed'] === true && row['unnumbered'] === 0;
  };
  await until(open, 'everything is delivered');

  for (const receiver of [plain, ordered, flapping]) {
    expect(new Set(numbers(receiver.received.map(({ event }) => event))).size).toBe(events);
  }
  // A repeat comes after a kill. Then what was taken first counts.
  for (const [receiver, space] of [ordered, flapping].flatMap((one) => spaces.map((space) => [one, space] as const))) {
    const taken = [
      ...new Set(numbers(receiver.received.map(({ event }) => event).filter(({ spaceId }) => spaceId === space))),
    ];
    expect(taken).toEqual(taken.toSorted((one, other) => one - other));
  }
});

function numbers(received: Json[]): number[] {
  return received.map(({ data }) => data.n as number);
}
