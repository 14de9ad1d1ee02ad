/** Vends that come while others of their tenant are at the database: one call decides on them. */
import pg from 'pg';
import { Crash, CrashProxy, nameDatabaseStep } from '../support/crash-proxy.ts';
import { createDatabase, type TestDatabase } from '../support/database.ts';
import { expectProblem } from '../support/problem.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

/** Notes the calls of the service, and loses the answer of a group if the test says so. */
class Calls extends Crash {
  losesGroup = false;

  override take(name: string): 'after' | undefined {
    this.steps.push(name);
    const isLost = this.losesGroup && name === 'admit_group';
    if (isLost) this.losesGroup = false;
    return isLost ? 'after' : undefined;
  }

  override strike(): void {
    this.struck = true;
  }
}

let database: TestDatabase;
let calls: Calls;
let proxy: CrashProxy;
let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
/** A connection of somebody who acts against users. */
let moderator: pg.Client;

beforeAll(async () => {
  database = await createDatabase();
  calls = new Calls();
  const through = await CrashProxy.start(database.serviceUrl, calls, nameDatabaseStep);
  ({ proxy } = through);
  stagedoor = await Stagedoor.start({ DATABASE_URL: through.url }, {}, database);
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
  await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key, {}));
  moderator = new pg.Client({ connectionString: database.superuserUrl });
  await moderator.connect();
  // Postgres does to some users what no input can do.
  await moderator.query(`
    create function strike() returns trigger language plpgsql as $$
    begin
      if new.user_id like 'poison%' then raise exception 'a poisoned row'; end if;
      if new.user_id like 'slow%' then perform pg_sleep(1.8); end if;
      return new;
    end $$;
    create trigger strike before insert on grants for each row execute function strike();
    grant execute on function strike to public`);
});

beforeEach(() => {
  calls.steps.length = 0;
});

afterAll(async () => {
  await moderator.end();
  await stagedoor.stop();
  await proxy.stop();
});

const path = () => `/v1/spaces/${space['id']}/stage-tokens`;

/** Asks again if the machine was too slow. */
function vend(userId: string): Promise<Answer> {
  return stagedoor.post(path(), tenant.key, { userId });
}

function vendOnce(userId: string): Promise<Answer> {
  return stagedoor.once.post(path(), tenant.key, { userId });
}

/** Locks users as a ban does, until the returned function is called. */
async function lock(...users: string[]): Promise<() => Promise<void>> {
  await moderator.query('begin');
  for (const user of users) await moderator.query('select lock_user($1, $2, true)', [tenant.id, user]);
  return async () => void (await moderator.query('commit'));
}

/** Says which calls wait for a lock now. */
async function waitForLocks(): Promise<unknown[]> {
  return await database.query(
    `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like '%.admit(%'`,
  );
}

/** Vends to users, after a vend that waits for a lock is at the database. So the users come in a group. */
async function vendTogether(
  users: string[],
  ask = vend,
): Promise<{ first: Promise<Answer>; vends: Promise<Answer>[]; unlock: () => Promise<void> }> {
  const name = `first-${users[0]}`;
  const unlock = await lock(name);
  const first = vend(name);
  await until(async () => (await waitForLocks()).length === 1, 'the first vend waits');
  return { first, vends: users.map(ask), unlock };
}

async function grantsOf(prefix: string): Promise<string[]> {
  const rows = await database.query(`select user_id from grants where starts_with(user_id, $1) order by 1`, [prefix]);
  return rows.map(({ user_id: user }) => String(user));
}

function some(name: string): string[] {
  return Array.from({ length: 12 }, (_, n) => `${name}-${n}`);
}

test('a vend that finds nobody takes one round trip, of its own', async () => {
  for (const user of ['ann', 'ben', 'cleo']) expect((await vend(user)).status).toBe(201);
  expect(calls.steps).toEqual(['admit', 'admit', 'admit']);
});

test('vends that come together are decided together, and each has its grant, its audit entry and its own token', async () => {
  const users = some('crowd');
  const answers = await Promise.all(users.map(vend));
  expect(answers.map(({ status }) => status)).toEqual(users.map(() => 201));
  expect(calls.steps.filter((step) => step === 'admit_group').length).toBeGreaterThan(0);
  expect(calls.steps.length).toBeLessThan(users.length);
  const grants = await database.query(`select from grants where user_id like 'crowd-%'`);
  let rows: Json[] = [];
  await until(async () => {
    rows = await database.query(
      `select g.user_id, g.id, g.participant_id, g.state, a.request_id
         from grants as g join audit as a on a.tenant_id = g.tenant_id and a.details ->> 'stageGrant' = g.id
        where g.user_id like 'crowd-%'`,
    );
    return rows.length === grants.length;
  }, 'the audit log has an entry for each grant');
  expect(new Set(rows.map((row) => row['request_id'])).size).toBe(rows.length);
  for (const [at, { body, headers }] of answers.entries()) {
    expect(rows.find((row) => row['id'] === body['grantId'])).toMatchObject({
      user_id: users[at],
      participant_id: body['participantId'],
      state: 'released',
      request_id: headers.get('x-request-id'),
    });
  }
  const metrics = (await stagedoor.get('/metrics')).text;
  expect(metrics).toMatch(/^stagedoor_vend_group_size_count\{step="admit"\} [1-9]/m);
});

test('a vend to a user who is being banned holds up nobody else, first in line or within a group', async () => {
  const unlock = await lock('held-first', 'held-in-group');
  const first = vend('held-first');
  await until(async () => (await waitForLocks()).length === 1, 'the first vend waits');
  const inGroup = vend('held-in-group');
  const answers = await Promise.all(some('free').map(vend));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  await until(async () => (await waitForLocks()).length === 2, 'both vends wait');
  await unlock();
  expect([(await first).status, (await inGroup).status]).toEqual([201, 201]);
});

test('a ban waits for a group no longer than its transaction, and the others of the group keep their tokens', async () => {
  const { first, vends, unlock } = await vendTogether(['banned-1', ...some('beside')]);
  const ban = stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'banned-1' }));
  const [banned, ...others] = await Promise.all(vends);
  await ban;
  expect([201, 403]).toContain(banned?.status);
  expect(others.map(({ status }) => status)).toEqual(others.map(() => 201));
  expectProblem(await vend('banned-1'), 'banned');
  await unlock();
  await first;
});

test('a request that breaks a group harms nobody else in it', async () => {
  const { first, vends, unlock } = await vendTogether(['poison', ...some('healthy')]);
  const [poisoned, ...others] = await Promise.all(vends);
  await unlock();
  await first;
  expect(poisoned?.status).toBe(500);
  expect(others.map(({ status }) => status)).toEqual(others.map(() => 201));
  expect(calls.steps).toContain('admit_group');
  expect(await grantsOf('healthy')).toEqual(some('healthy').sort());
  expect(await grantsOf('poison')).toEqual([]);
});

test('a group whose backend is killed gives nobody a token, and leaves nothing behind', async () => {
  const { first, vends, unlock } = await vendTogether(['slow', ...some('killed')], vendOnce);
  await until(async () => {
    const killed = await database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and state = 'active' and query like '%admit_group%' and wait_event = 'PgSleep'`,
    );
    return killed.length > 0;
  }, 'the group is at the database');
  const answers = await Promise.all(vends);
  const released = answers.filter(({ status }) => status === 201).map(({ body }) => String(body['grantId']));
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expectProblem(answer, 'unavailable');
    expect(answer.headers.get('retry-after')).toBe('1');
  }
  const ids = await database.query(`select id from grants where user_id like 'killed-%' or user_id = 'slow'`);
  expect(ids.map(({ id }) => String(id))).toEqual(expect.arrayContaining(released));
  expect(ids.length).toBeLessThan(answers.length - 1);
  await unlock();
  expect((await first).status).toBe(201);
  expect((await Promise.all(some('killed').map(vend))).map(({ status }) => status)).toEqual(
    some('killed').map(() => 201),
  );
});

test('a group whose commit is not confirmed gives nobody a token, and a ban finds its grants', async () => {
  calls.losesGroup = true;
  const { first, vends, unlock } = await vendTogether(some('lost'), vendOnce);
  const answers = await Promise.all(vends);
  await unlock();
  await first;
  const turnedAway = answers.filter(({ status }) => status !== 201);
  expect(turnedAway.length).toBeGreaterThan(1);
  for (const answer of turnedAway) expectProblem(answer, 'unavailable');
  const granted = await grantsOf('lost');
  const user = some('lost').find((one, at) => answers[at]?.status !== 201 && granted.includes(one));
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: user }));
  expect(await database.query('select state from grants where user_id = $1', [user])).toEqual([{ state: 'watched' }]);
});
