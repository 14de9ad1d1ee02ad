/** The replicas share the work of the watchdog. */
import { ReadDatabase } from '../../src/database/database.ts';
import { Watchdog } from '../../src/health/watchdog.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { ban } from '../support/actions.ts';
import { asSuperuser } from '../support/database.ts';
import { Stagedoor } from '../support/stagedoor.ts';

/** The watchdog of a replica, whose timer the test is. */
class Replica extends Watchdog {
  constructor(readonly shown: Metrics) {
    super(stagedoor.app.get(ReadDatabase, { strict: false }), shown);
  }

  override async runOnTime(): Promise<void> {
    await super.runOnTime();
  }

  async shows(name: 'undeliveredBans' | 'stuckDeliveries'): Promise<number | undefined> {
    return (await this.shown[name].get()).values[0]?.value;
  }
}

let stagedoor: Stagedoor;
let replicas: [Replica, Replica];

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  await stagedoor.app.get(Watchdog).beforeApplicationShutdown(); // it takes no turn any more
  const tenant = await stagedoor.createTenant();
  const space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId: 'somebody' }));
  const { action } = await ban(stagedoor, tenant.key, { userId: 'somebody' });
  await stagedoor.database.query('delete from holds where action_id = $1', [action.id]);
});
afterAll(() => stagedoor.stop());

beforeEach(async () => {
  await stagedoor.database.query('delete from watchdog');
  replicas = [new Replica(new Metrics()), new Replica(new Metrics())];
});

const isDue = () => stagedoor.database.query(`update watchdog set next_at = 'epoch'`);

const isOld = () =>
  stagedoor.database.query(
    `update watchdog set found_at = found_at - interval '5 minutes', next_at = now() + interval '1 minute'`,
  );

test('one replica looks, and the others show what it has found', async () => {
  const [first, second] = replicas;
  await first.runOnTime();
  expect(await first.shows('undeliveredBans')).toBe(2);
  await stagedoor.database.query(`update watchdog set passed_at = passed_at - interval '1 hour'`);
  await second.runOnTime();
  expect(await second.shows('undeliveredBans')).toBe(2);
  // It made no pass, and does not say that one is older than itself.
  expect(second.secondsSinceWholePass).toBeGreaterThan(0);
  expect(
    await stagedoor.database.query(`select from watchdog where passed_at < now() - interval '59 minutes'`),
  ).toHaveLength(1);
  await isDue();
  await second.runOnTime();
  expect(
    await stagedoor.database.query(`select from watchdog where passed_at < now() - interval '59 minutes'`),
  ).toEqual([]);
});

test('a replica that does not end its turn keeps the others from theirs for 15 seconds', async () => {
  const [first, second] = replicas;
  first.run = () => new Promise(() => undefined); // it stands still in its turn
  void first.runOnTime();
  const turn = async () =>
    (
      await stagedoor.database.query(
        `select next_at - now() between '1 second' and '16 seconds' as is_soon from watchdog`,
      )
    )[0];
  for (let tries = 0; (await turn()) === undefined && tries < 1_000; tries++);
  expect(await turn()).toEqual({ is_soon: true });
  await second.runOnTime();
  expect(await second.shows('undeliveredBans')).toBe(0);
  await isDue();
  await second.runOnTime();
  expect(await second.shows('undeliveredBans')).toBe(2);
});

test('a turn that took long lets Postgres rest for a hundred times as long', async () => {
  const [first] = replicas;
  await asSuperuser(stagedoor.database.name, async (client) => {
    await client.query('begin; lock table webhooks in access exclusive mode');
    await expect(first.runOnTime()).rejects.toThrow('could not check everything');
    await client.query('rollback');
  });
  // The check of webhooks has waited for the lock as long as a statement may take: two seconds.
  const [rest] = await stagedoor.database.query(
    `select next_at > now() + interval '190 seconds' as is_long from watchdog`,
  );
  expect(rest).toEqual({ is_long: true });
});

test('a check that goes on failing, on whichever replica, shows on all of them', async () => {
  const [first, second] = replicas;
  await asSuperuser(stagedoor.database.name, async (client) => {
    await client.query('begin; lock table webhooks in access exclusive mode');
    await expect(first.runOnTime()).rejects.toThrow('could not check everything');
    await client.query('rollback');
  });
  // Once is no cause for an alert. What was found is shown.
  await second.runOnTime();
  expect(await second.shows('undeliveredBans')).toBe(2);
  await isOld();
  for (const replica of replicas)
    await expect(replica.runOnTime()).rejects.toThrow(
      /has succeeded for 3\d\d seconds, on whichever replica; the last one could not check: webhooks$/,
    );
  await isDue();
  await second.runOnTime();
  await first.runOnTime();
});

test('findings that are too old are not relied on', async () => {
  const [first, second] = replicas;
  await first.runOnTime();
  await isOld();
  await expect(second.runOnTime()).rejects.toThrow(/has succeeded for 3\d\d seconds, on whichever replica$/);
});
