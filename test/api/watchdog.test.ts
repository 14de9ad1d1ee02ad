import { Watchdog } from '../../src/health/watchdog.ts';
import { Retention } from '../../src/retention/retention.ts';
import { Metrics } from '../../src/telemetry/metrics.ts';
import { ban } from '../support/actions.ts';
import { onStage } from '../support/chat.ts';
import { asSuperuser } from '../support/database.ts';
import { hoard } from '../support/hoard.ts';
import { sized } from '../support/full-size.ts';
import { type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { defaultRole: 'speaker' });
});

afterAll(async () => {
  await stagedoor.stop();
});

/** The value of a metric without labels, as Prometheus reads it. */
async function metric(name: string): Promise<number> {
  const text = await stagedoor.app.get(Metrics).registry.metrics(); // GET /metrics may be a second old
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
}

const run = () => stagedoor.app.get(Watchdog).run();

/** Runs `work` while nobody else can read the table. */
async function whileLocked(table: string, work: () => Promise<void>): Promise<void> {
  await asSuperuser(stagedoor.database.name, async (client) => {
    await client.query(`begin; lock table ${table} in access exclusive mode`);
    await work();
    await client.query('rollback');
  });
}

/** Runs `work` while no replica can seal, because another one seems to. */
async function whileSealing(work: () => Promise<void>): Promise<void> {
  await asSuperuser(stagedoor.database.name, async (client) => {
    await client.query(`begin; select take_lock('sealer', '{}', true)`);
    await work();
    await client.query('rollback');
  });
}

/** Bans somebody who has tokens, and takes away what the ban rests on. */
async function breakABan(): Promise<void> {
  const userId = 'somebody';
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }));
  const { action } = await ban(stagedoor, tenant.key, { userId });
  await stagedoor.database.query('delete from holds where action_id = $1', [action.id]);
  await stagedoor.database.query(
    `update deliveries set state = 'stuck', next_at = now() + interval '1 hour'
                                   where action_id = $1 and not follow_up`,
    [action.id],
  );
}

describe('a check that fails', () => {
  beforeAll(breakABan);

  test.each([
    ['deliveries', 'stagedoor_bans_without_delivery'],
    ['bans', 'stagedoor_stuck_deliveries'],
  ])('of %s leaves the others: %s tells', async (table, gauge) => {
    await whileLocked(table, async () => {
      await expect(run()).rejects.toThrow('could not check everything');
      expect(await metric(gauge)).toBe(2);
    });
  });

  test('shows in the age of the last whole pass, which a whole pass ends', async () => {
    await whileLocked('bans', async () => {
      const before = await metric('stagedoor_watchdog_pass_age_seconds');
      await expect(run()).rejects.toThrow('could not check everything');
      // The check has waited for the lock as long as a statement may take: two seconds.
      expect(await metric('stagedoor_watchdog_pass_age_seconds')).toBeGreaterThan(before + 1.9);
    });
    const began = performance.now();
    // The service may have the turn just now, and find the lock yet.
    await until(async () => {
      await run();
      const age = await metric('stagedoor_watchdog_pass_age_seconds');
      expect(age).toBeGreaterThanOrEqual(0);
      return age <= (performance.now() - began) / 1_000;
    }, 'a whole pass has ended since');
  });
});

test('a call that fails again and again shows in the age of the oldest delivery, and counts as overdue', async () => {
  const userId = 'who-stays';
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }));
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { error: 'InternalServerException' } });
  await ban(stagedoor, tenant.key, { userId });
  await until(() => fault.struck > 3, 'the call has failed several times');
  // The time of these seconds does not pass in the test: the delivery becomes older.
  await stagedoor.database.query(
    `update deliveries set needed_since = needed_since - interval '1 hour' where operation = 'DisconnectUser' and target = $1`,
    [userId],
  );
  // The service runs the check too, and a run of it that began before may end after this one.
  await until(async () => {
    await run();
    return (await metric('stagedoor_overdue_deliveries')) === 1;
  }, 'the delivery is overdue');
  expect(await metric('stagedoor_oldest_delivery_seconds')).toBeGreaterThanOrEqual(3_600);
  stagedoor.ivs.clearFaults();
  await until(async () => {
    await run();
    return (await metric('stagedoor_overdue_deliveries')) === 0;
  }, 'the call is made');
});

test('a participant who comes back again and again shows', async () => {
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
  const userId = 'who-returns';
  stagedoor.ivs.setSwitches({ kickedSelfSignedRefused: false });
  const pass = await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }));
  expect(pass['stage'].mint).toBe('key-pair');
  await ban(stagedoor, tenant.key, { userId });
  await run();
  expect(await metric('stagedoor_returning_participants')).toBe(0);
  for (let times = 0; times < 3; times++) {
    stagedoor.ivs.join(pass['stage'].token);
    // oxlint-disable-next-line no-await-in-loop -- they come back when they are out
    await until(() => onStage(stagedoor, space['stage'].arn).length === 0, 'the participant is out again');
  }
  await until(async () => {
    await run();
    return (await metric('stagedoor_returning_participants')) === 1;
  }, 'the metric shows the participant');
});

test('a stage that cannot be looked at shows, and the act that rests on the look is not delivered', async () => {
  const userId = 'who-may-be-in';
  // Without a room nothing but the look is open.
  const other = await stagedoor.createSpace(tenant, { defaultRole: 'speaker', room: false });
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${other['id']}/join`, tenant.key, { userId }));
  await run();
  expect(await metric('stagedoor_failing_watches')).toBe(0);
  const denied = { error: 'AccessDeniedException' };
  for (const operation of ['ListParticipants', 'GetStage']) stagedoor.ivs.fault({ operation, effect: denied });
  await ban(stagedoor, tenant.key, { userId, spaceId: other['id'] });
  await stagedoor.database.query(`update watches set began_at = began_at - interval '1 hour' where space_id = $1`, [
    other['id'],
  ]);
  await until(async () => {
    await run();
    return (await metric('stagedoor_failing_watches')) === 1;
  }, 'the watch fails');
  expect(await metric('stagedoor_oldest_look_seconds')).toBeGreaterThanOrEqual(3_600);
  const listed = async (state: string): Promise<Json[]> =>
    (await stagedoor.get(`/v1/actions?spaceId=${other['id']}&state=${state}`, tenant.key)).body['data'];
  expect(await listed('pending')).toMatchObject([{ kind: 'ban', state: 'pending' }]);
  expect((await listed('pending'))[0]?.['silencedAt']).toBeUndefined();
  stagedoor.ivs.clearFaults();
  await until(async () => {
    await run();
    return (await metric('stagedoor_failing_watches')) === 0;
  }, 'the stage is looked at again');
  expect(await listed('delivered')).toMatchObject([{ kind: 'ban', silencedAt: expect.any(String) }]);
});

test('audit entries that are not sealed show', async () => {
  await whileSealing(async () => {
    await stagedoor.database.query(
      `update audit set seq = null, hash = null, at = at - interval '1 hour'
        where tenant_id = $1 and seq = (select max(seq) from audit where tenant_id = $1)`,
      [tenant.id],
    );
    await run();
    expect(await metric('stagedoor_unsealed_audit_entries')).toBeGreaterThanOrEqual(1);
    expect(await metric('stagedoor_oldest_unsealed_audit_entry_seconds')).toBeGreaterThanOrEqual(3_600);
  });
  await until(async () => {
    await run();
    return (await metric('stagedoor_unsealed_audit_entries')) === 0;
  }, 'the entries are sealed');
});

test('background work that fails shows in the age of its last run', async () => {
  const age = () => metric('stagedoor_background_run_age_seconds{work="AuditSealer"}'.replace(/[{}"]/g, '\\$&'));
  await whileLocked('audit', async () => {
    const before = await age();
    expect(before).toBeGreaterThanOrEqual(0);
    await until(async () => (await age()) > before + 2.5, 'the age grows');
  });
});

/** What a step needs is refused by the database, until `work` is over. */
async function whileRefused(trigger: string, work: () => Promise<void>): Promise<void> {
  await asSuperuser(stagedoor.database.name, async (client) => {
    await client.query(`create function refuse() returns trigger language plpgsql as $$ begin raise 'refused'; end $$`);
    await client.query(`create trigger refused before ${trigger} for each row execute function refuse()`);
    try {
      await work();
    } finally {
      await client.query('drop function refuse() cascade');
    }
  });
}

describe('what goes on in steps and cannot be finished shows by its age, and its failures are counted', () => {
  const failures = (work: string) => metric(`stagedoor_background_failures_total\\{work="${work}"\\}`);
  const ageIsZero = (name: string) =>
    until(async () => {
      await run();
      return (await metric(name)) === 0;
    }, `${name} is 0`);

  test('an erasure', async () => {
    const age = 'stagedoor_oldest_erasure_seconds';
    await stagedoor.expect(201, stagedoor.post('/v1/users/eve/notes', tenant.key, { text: 'words' }));
    await whileRefused('delete on user_notes', async () => {
      await stagedoor.expect(202, stagedoor.request('DELETE', '/v1/users/eve/data', { as: tenant.key }));
      await until(async () => (await failures('ErasureWorker')) > 0, 'the erasure has failed');
      await stagedoor.database.query(`update erasures set requested_at = requested_at - interval '20 days'`);
      await run();
      expect((await metric(age)) / 86_400).toBeCloseTo(20, 1);
    });
    await stagedoor.database.query(`update erasures set next_at = now()`);
    await ageIsZero(age);
  });

  test('the end of a tenant', async () => {
    const age = 'stagedoor_oldest_tenant_end_seconds';
    const ending = await stagedoor.createTenant();
    const as = Stagedoor.operatorToken;
    const path = `/v1/tenants/${ending.id}`;
    await stagedoor.expect(200, stagedoor.request('PATCH', path, { as, body: { status: 'suspended' } }));
    await whileRefused('delete on api_keys', async () => {
      await stagedoor.expect(202, stagedoor.request('DELETE', path, { as }));
      await until(async () => (await failures('TenantEndWorker')) > 0, 'the end has failed');
      await stagedoor.database.query(`update tenant_ends set requested_at = requested_at - interval '20 days'`);
      await run();
      expect((await metric(age)) / 86_400).toBeCloseTo(20, 1);
    });
    await stagedoor.database.query(`update tenant_ends set next_at = now()`);
    await ageIsZero(age);
  });

  test('an act against more than a thousand grants', async () => {
    const age = 'stagedoor_oldest_unfinished_action_seconds';
    await hoard(stagedoor.database, tenant.id, space['id'], { userIds: ['who-hoards'], each: 1_001, kinds: ['chat'] });
    await whileRefused('update of grants or delete on unfinished_actions', async () => {
      await ban(stagedoor, tenant.key, { userId: 'who-hoards' });
      await until(async () => (await failures('UnfinishedActions')) > 0, 'the second step has failed');
      await stagedoor.database.query(
        `update actions set requested_at = requested_at - interval '1 hour' where user_id = 'who-hoards'`,
      );
      await run();
      expect(await metric(age)).toBeGreaterThanOrEqual(3_600);
    });
    await ageIsZero(age);
  });

  test('what a tenant does not keep', async () => {
    await stagedoor.database.query(
      `insert into actions (tenant_id, id, kind, user_id, requested_by, created_at, requested_at, delivery_told)
       values ($1, 'act_0', 'user.disconnect', 'old', '{}', now() - interval '900 days', now() - interval '900 days', true)`,
      [tenant.id],
    );
    const retention = stagedoor.app.get(Retention);
    const before = await failures('Retention');
    await whileRefused('delete on actions', async () => {
      await retention.runWhole();
      expect(await failures('Retention')).toBeGreaterThan(before);
    });
  });
});

test('bans of many people with many old grants are all checked', async () => {
  const people = sized(100, 20_000);
  const userIds = Array.from({ length: people }, (_, n) => `many-${n}`);
  await hoard(stagedoor.database, tenant.id, space['id'], { userIds, each: 125 });
  await stagedoor.database.query(
    `update grants set issued_at = now() - interval '1 hour', expires_at = now() - interval '1 minute'
      where user_id like 'many-%'`,
  );
  await stagedoor.database.query(
    `insert into bans (tenant_id, id, user_id, created_by)
     select $1, 'ban_' || n, 'many-' || n, '{}' from generate_series(0, $2::int - 1) n`,
    [tenant.id, people],
  );
  const { id } =
    (
      await stagedoor.database.query(
        `update grants set expires_at = now() + interval '1 hour' where user_id = 'many-${people - 1}' and id =
       (select max(id) from grants where user_id = 'many-${people - 1}') returning id`,
      )
    )[0] ?? {};
  expect(id).toBeDefined();
  const found = async () => await metric('stagedoor_bans_without_delivery');
  const before = await found();
  await until(async () => {
    await run().catch(() => undefined);
    return (await found()) === before + 1;
  }, 'the watchdog finds the grant without a hold');
});
