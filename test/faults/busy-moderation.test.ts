/** Acts of moderators while the database is busy: they wait rather than fail, and what is on record is told. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { Database, ModerationDatabase, systemScope, type Tx } from '../../src/database/database.ts';
import { translateDatabaseErrors, wasTooBusy } from '../../src/database/database-errors.ts';
import { carriedOut } from '../support/actions.ts';
import { inParallel, sized } from '../support/full-size.ts';
import { type Answer, type Json, Stagedoor, type TestTenant } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;
let space: Json;
/** Somebody who keeps locks in the database. */
let blocker: pg.Client;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant);
  blocker = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await blocker.connect();
});

afterEach(() => blocker.query('rollback'));

afterAll(async () => {
  await blocker.end();
  await stagedoor.stop();
});

const act = (path: string, body: Json = {}, headers = {}) =>
  stagedoor.once.request('POST', path, { as: tenant.key, body, headers });

/** Locks a table until the test ends or `release` is called, and counts who waits for it. */
async function lock(table: string): Promise<{ waiting: () => Promise<number>; release: () => Promise<unknown> }> {
  await blocker.query(`begin; lock table ${table} in access exclusive mode`);
  const waits = `select count(*)::int as n from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`;
  return {
    waiting: async () => Number((await stagedoor.database.query(waits))[0]?.['n']),
    release: () => blocker.query('rollback'),
  };
}

test('twenty moderators at once are all served when the database is slower than the limit of a statement', async () => {
  const bans = await lock('bans');
  const from = performance.now();
  const answers = Array.from({ length: 20 }, async (_, n) => {
    const { status } = await act('/v1/bans', { userId: `user-${n}` });
    return { status, afterMs: performance.now() - from };
  });
  // A statement is ended after two seconds. One connection of moderation is free for the calls of acts.
  await until(async () => performance.now() - from > 2_500 && (await bans.waiting()) > 0, 'acts wait and are repeated');
  await bans.release();
  // An act waits for ten seconds. A machine that needs so long for twenty of them refuses the last ones, and not before.
  const all = await Promise.all(answers);
  expect(all.filter(({ status, afterMs }) => status !== 201 && !(status === 503 && afterMs > 9_900))).toEqual([]);
  const made = all.filter(({ status }) => status === 201).length;
  expect(made).toBeGreaterThan(0);
  const [counted] = await stagedoor.database.query(
    `select count(distinct user_id)::int as n, count(*)::int as all from bans`,
  );
  expect(counted?.['all']).toBe(counted?.['n']);
  expect(counted?.['n']).toBeGreaterThanOrEqual(made);
});

test('bans of twenty moderators at the same moment are all made while users ask for tokens without a pause', async () => {
  const [moderators, bans] = [20, sized(40, 300)];
  const tokens = await Promise.all(
    Array.from({ length: moderators }, (_, n) => tenant.issuer.token(`mod-${n}`, { role: 'moderator' })),
  );
  const banned = new AbortController();
  let vends = 0;
  const vending = inParallel(16, 16, async (n) => {
    while (!banned.signal.aborted) {
      const vend = await stagedoor.once.post(`/v1/spaces/${space['id']}/stage-tokens`, tenant.key, {
        userId: `fan-${n}`,
      });
      if (vend.status === 201) vends += 1;
    }
  });
  await until(() => vends > 0, 'users get tokens');
  const before = vends;
  const answers = await Promise.all(
    Array.from({ length: bans }, (_, n) =>
      stagedoor.once.post('/v1/bans', tokens[n % moderators] ?? '', { userId: `raider-${n}`, spaceId: space['id'] }),
    ),
  );
  await until(() => vends > before, 'users still get tokens');
  banned.abort();
  await vending;
  expect(answers.filter(({ status }) => status !== 201)).toEqual([]);
  const inForce = `select count(distinct user_id)::int as n from bans where user_id like 'raider-%' and lifted_at is null`;
  expect(await stagedoor.database.query(inForce)).toEqual([{ n: bans }]);
});

test('an act whose transaction takes too long is made again, although each of its statements is in time', async () => {
  const database = stagedoor.app.get(ModerationDatabase, { strict: false });
  let attempts = 0;
  const bans = await database.inScope(systemScope(tenant.id), async (tx) => {
    attempts += 1;
    // A statement has two seconds, a transaction two and a half.
    if (attempts === 1) for (const _ of [1, 2]) await tx.$queryRaw`select count(*)::int from pg_sleep(1.4)`;
    return await tx.ban.count({ where: { tenantId: tenant.id } });
  });
  expect(bans).toEqual(expect.any(Number));
  expect(attempts).toBeGreaterThan(1);
});

test('an act is made again after its replica has stood still in a transaction, and others are told to come again', async () => {
  // Postgres closes a connection that does nothing in a transaction for 1.5 seconds. Nothing runs in this process meanwhile.
  const standStill = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4_000);
  const late = async (tx: Tx) => {
    await tx.ban.count();
    standStill();
    return await tx.ban.count();
  };
  const others = stagedoor.app.get(Database, { strict: false });
  await expect(others.inScope(systemScope(tenant.id), late)).rejects.toMatchObject({ code: 'unavailable' });
  const acts = stagedoor.app.get(ModerationDatabase, { strict: false });
  let attempts = 0;
  await acts.inScope(systemScope(tenant.id), async (tx) => {
    attempts += 1;
    return attempts === 1 ? await late(tx) : await tx.ban.count();
  });
  expect(attempts).toBeGreaterThan(1);

  // What Postgres says then can also be the answer to the next statement.
  await blocker.query(`begin; set local idle_in_transaction_session_timeout = 100`);
  const closed = new Promise((resolve) => blocker.once('error', resolve));
  standStill();
  const error: unknown = await blocker.query('select 1').catch((thrown: unknown) => thrown);
  expect(translateDatabaseErrors(error)).toMatchObject({ code: 'unavailable' });
  expect(wasTooBusy(error)).toBe(true);
  await Promise.race([closed, blocker.end()]);
  blocker = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await blocker.connect();
});

test.each<[string, string, () => Promise<Answer>, number[]]>([
  ['a ban', 'actions', () => act('/v1/bans', { userId: 'loud', spaceId: space['id'] }), [201]],
  ['a kick', 'actions', () => act(`/v1/spaces/${space['id']}/users/loud/disconnect`), [202]],
  ['a freezing', 'actions', () => act(`/v1/spaces/${space['id']}/freeze`), [202]],
  [
    'a kick under an Idempotency-Key',
    'idempotency_keys',
    () => act(`/v1/spaces/${space['id']}/users/loud/disconnect`, {}, { 'idempotency-key': randomUUID() }),
    [200, 202], // 200 if IVS is quick
  ],
])('%s that is on record is answered, also if %s cannot be read or written then', async (_, table, send, statuses) => {
  space = await stagedoor.createSpace(tenant);
  const userId = 'loud';
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, tenant.key, { userId }));
  const fault = stagedoor.ivs.fault({ operation: 'DisconnectUser', count: 1, effect: { delayMs: 60_000 } });
  const answering = send();
  await until(() => fault.struck === 1, 'the act is on record, and its call is at IVS');
  const held = await lock(table);
  stagedoor.ivs.clearFaults(fault.id);
  const answer = await answering;
  expect(statuses).toContain(answer.status);
  const action = answer.body['action'] ?? answer.body;
  expect(action).toMatchObject({ id: expect.stringMatching(/^act_/), requestedBy: { kind: 'apiKey' } });
  await held.release();
  await carriedOut(stagedoor, tenant.key, action);
});
