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
    const isLost = this.losesGroup && name === 'admit_groups';
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

/** Does something again until vends were decided in a group meanwhile: on a busy machine requests may come one by one. */
async function inGroups(work: (round: number) => Promise<void>): Promise<void> {
  let round = 0;
  await until(async () => {
    await work(round++);
    return calls.steps.includes('admit_groups');
  }, 'vends were decided in a group');
}

async function grantsOf(prefix: string): Promise<string[]> {
  const rows = await database.query(`select user_id from grants where starts_with(user_id, $1) order by 1`, [prefix]);
  return rows.map(({ user_id: user }) => String(user));
}

function some(name: string): string[] {
  return Array.from({ length: 12 }, (_, n) => `${name}-${n}`);
}

test('a vend that finds nobody takes one round trip, of its own', async () => {
  let nth = 0;
  await until(async () => {
    calls.steps.length = 0;
    const { status } = await vendOnce(`alone-${nth++}`);
    if (status === 201) expect(calls.steps).toEqual(['admit']);
    return status === 201 && nth > 2;
  }, 'a vend is served at once');
});

test('vends that come together are decided together, and each has its grant, its audit entry and its own token', async () => {
  let users: string[] = [];
  let answers: Answer[] = [];
  await inGroups(async (round) => {
    users = some(`crowd-${round}`);
    answers = await Promise.all(users.map(vend));
  });
  expect(answers.map(({ status }) => status)).toEqual(users.map(() => 201));
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

test('vends that IVS had a part in are ended together, and each hands out both tokens', async () => {
  let round = 0;
  await until(async () => {
    const users = some(`join-${round++}`);
    const answers = await Promise.all(
      users.map((userId) => stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId })),
    );
    expect(answers.map(({ status }) => status)).toEqual(users.map(() => 201));
    const ids = answers.flatMap(({ body }) => [body['stage'].grantId, body['chat'].grantId]);
    const released = await database.query(`select from grants where id = any ($1) and state = 'released'`, [ids]);
    expect(released).toHaveLength(ids.length);
    return calls.steps.includes('settle_groups');
  }, 'vends were ended together');
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
  await inGroups(async (round) => {
    const healthy = some(`healthy-${round}`);
    const { first, vends, unlock } = await vendTogether([`poison-${round}`, ...healthy]);
    const [poisoned, ...others] = await Promise.all(vends);
    await unlock();
    await first;
    expect(poisoned?.status).toBe(500);
    expect(others.map(({ status }) => status)).toEqual(others.map(() => 201));
    expect(new Set(await grantsOf(`healthy-${round}-`))).toEqual(new Set(healthy));
  });
  expect(await grantsOf('poison')).toEqual([]);
});

test('a group whose backend is killed gives nobody a token, and leaves nothing behind', async () => {
  await inGroups(async (round) => {
    const killed = some(`killed-${round}`);
    const { first, vends, unlock } = await vendTogether([`slow-${round}`, ...killed], vendOnce);
    const answered = Promise.all(vends);
    await until(async () => {
      const found = await database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and state = 'active' and wait_event = 'PgSleep'`,
      );
      return found.length > 0;
    }, 'a vend to the slow user is at the database');
    const answers = await answered;
    await unlock();
    await first;
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      expectProblem(answer, 'unavailable');
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect(answers[0]?.status).toBe(503);
    expect(await grantsOf(`slow-${round}`)).toEqual([]);
    const granted = await grantsOf(`killed-${round}-`);
    for (const [at, user] of killed.entries()) if (answers[at + 1]?.status === 201) expect(granted).toContain(user);
    const again = await Promise.all(killed.map(vend));
    expect(again.map(({ status }) => status)).toEqual(killed.map(() => 201));
  });
});

test('a group whose commit is not confirmed gives nobody a token, and a ban finds its grants', async () => {
  let user: string | undefined;
  await inGroups(async (round) => {
    calls.losesGroup = true;
    const users = some(`lost-${round}`);
    const { first, vends, unlock } = await vendTogether(users, vendOnce);
    const answers = await Promise.all(vends);
    await unlock();
    await first;
    for (const answer of answers.filter(({ status }) => status !== 201)) expectProblem(answer, 'unavailable');
    const granted = await grantsOf(`lost-${round}-`);
    user = users.find((one, at) => answers[at]?.status !== 201 && granted.includes(one));
  });
  expect(calls.struck).toBe(true);
  expect(user).toBeDefined();
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: user }));
  expect(await database.query('select state from grants where user_id = $1', [user])).toEqual([{ state: 'watched' }]);
});
