/** Streams of events while replicas are killed or stopped, and while Postgres is away: each reader gets each event once. */
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAmid } from '../support/amid.ts';
import { Cluster } from '../support/cluster.ts';
import { EventReader } from '../support/event-reader.ts';
import { sized } from '../support/full-size.ts';
import { Outage, writeEvent } from '../support/outage.ts';
import type { Json, TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const events = sized(120, 3_000);
const readers = sized(4, 40);
/** Replicas that end while events are written. Postgres is away after each third one. */
const ends = sized(3, 30);

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

/** Reads as a customer's back end does: when a stream ends it goes on at the next replica, by the last id that it has. */
class Follower {
  readonly numbers: number[] = [];
  readonly reasons = new Set<string>();
  private lastEventId: string | undefined;
  private reader: EventReader | undefined;
  private hasEnded = false;
  connections = 0;

  constructor(private replica: number) {}

  async connect(): Promise<void> {
    await until(async () => {
      this.replica += 1;
      const { url } = cluster.at(this.replica);
      this.reader = await EventReader.open(url, tenant.key, '?type=space.opened', this.lastEventId).catch(
        () => undefined,
      );
      return this.reader?.status === 200;
    }, 'a replica takes the stream');
    this.connections += 1;
  }

  /** Follows until `end`. */
  async follow(): Promise<void> {
    while (!this.hasEnded) {
      // A stream of a replica that lives is open for as long as the test lasts.
      while (this.reader?.isOver === false && !this.hasEnded) await sleep(20);
      this.take();
      if (!this.hasEnded) await this.connect();
    }
  }

  /** Keeps what has come so far. */
  take(): void {
    const { reader } = this;
    if (!reader) return;
    this.numbers.push(...reader.events.splice(0).map(({ data }: Json) => Number(data['name'])));
    for (const { event, data } of reader.notes.splice(0))
      this.reasons.add(event === 'stagedoor.closed' ? data['reason'] : event);
    this.lastEventId = reader.lastEventId;
  }

  end(): void {
    this.hasEnded = true;
    this.take();
    this.reader?.cut();
  }
}

/** Writes events while one replica after the other ends, each second one as an orchestrator ends it. */
async function writeWhileReplicasEnd(): Promise<void> {
  await writeAmid(events, ends, {
    prepare: () => cluster.add(),
    async write(n) {
      const data = { name: String(n), by: { kind: 'system', id: 'test' } };
      await writeEvent(cluster.database, tenant.id, { type: 'space.opened', data });
      await sleep(5);
    },
    async interrupt(nth) {
      const victim = cluster.at(nth);
      if (nth % 2 === 0) await victim.kill();
      else {
        victim.child.kill('SIGTERM');
        await victim.ended;
      }
      if (nth % 3 === 2) await outage.happen();
    },
  });
}

test('each reader gets each event once and in order, whatever ends or is away', async () => {
  const followers = Array.from({ length: readers }, (_, n) => new Follower(n));
  await Promise.all(followers.map((follower) => follower.connect()));
  const following = followers.map((follower) => follower.follow());
  await writeWhileReplicasEnd();
  const hasAll = (follower: Follower) => (follower.take(), follower.numbers.length >= events);
  await until(() => followers.every(hasAll), 'each reader has all events');
  for (const follower of followers) follower.end();
  await Promise.all(following);
  const all = Array.from({ length: events }, (_, nth) => nth + 1);
  for (const { numbers } of followers) expect(numbers).toEqual(all);
  expect(followers.some(({ connections }) => connections > 1)).toBe(true);
  expect([...new Set(followers.flatMap(({ reasons }) => [...reasons]))]).toEqual(['stopping']);
});

test('a reader who takes nothing does not hold up a replica that stops', async () => {
  const service = await cluster.add();
  const reader = await EventReader.open(service.url, tenant.key, '?type=space.closed');
  await until(() => reader.lastEventId !== undefined, 'the stream has begun');
  reader.pause();
  const written = 5_000; // 20 MB: more than the buffers of the connection hold
  await cluster.database.query(
    `insert into events (tenant_id, type, data)
     select $1, 'space.closed', jsonb_build_object('name', repeat('x', 4000)) from generate_series(1, $2::int)`,
    [tenant.id, written],
  );
  const witness = await EventReader.open(service.url, tenant.key, '?type=space.closed', reader.lastEventId);
  await until(() => witness.events.length === written, 'another reader has all');
  service.child.kill('SIGTERM');
  await until(() => service.hasEnded, 'the replica has ended');
  await until(() => witness.isOver, 'the other stream has ended');
  expect(witness.notes).toMatchObject([{ data: { reason: 'stopping' } }]);
  reader.cut();
});
