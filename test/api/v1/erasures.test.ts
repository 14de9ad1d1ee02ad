/** The erasure of a person: what goes, what holds on, and what remains and is listed. */
import pg from 'pg';
import { columnsWithUsers, isWithoutUsers } from '../../../src/erasure/erasure-steps.ts';
import { Watchdog } from '../../../src/health/watchdog.ts';
import { Secrets } from '../../../src/secrets/secrets.ts';
import { enter } from '../../support/chat.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

/** Nothing else in the database has the needle. */
const needle = 'eve-7f3a';
const person = `${needle} "the" person@example.org`;
const inPath = encodeURIComponent(person);

let stagedoor: Stagedoor;
let superuser: pg.Client;
let tenant: TestTenant;
let space: Json;

beforeAll(async () => {
  stagedoor = await Stagedoor.start();
  superuser = new pg.Client({ connectionString: stagedoor.database.superuserUrl });
  await superuser.connect();
  tenant = await stagedoor.createTenant();
  space = await stagedoor.createSpace(tenant, { capacity: 10 });
  await stagedoor.expect(201, stagedoor.post('/v1/webhooks', tenant.key, { url: 'http://127.0.0.1:9/' })); // nobody listens
});

afterAll(async () => {
  await superuser.end();
  await stagedoor.stop();
});

const rowsOf = async (sql: string, values: unknown[] = []): Promise<Json[]> =>
  (await superuser.query<Json>(sql, values)).rows;
const join = (userId: string, key = tenant.key) => stagedoor.post(`/v1/spaces/${space['id']}/join`, key, { userId });
const erase = (path = inPath) => stagedoor.request('DELETE', `/v1/users/${path}/data`, { as: tenant.key });
const erasureOf = (id: string) => stagedoor.expect(200, stagedoor.get(`/v1/erasures/${id}`, tenant.key));

/** The columns of all tables in which the person stands, as `table.column`. */
async function columnsWithPerson(): Promise<string[]> {
  const columns = await rowsOf(`
    select c.table_name as table, c.column_name as column
      from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
     where table_schema = 'public' and t.table_type = 'BASE TABLE'`);
  const found: string[] = [];
  for (const { table, column } of columns) {
    const sql = `select from "${table}" where strpos("${column}"::text, $1) > 0 limit 1`;
    if ((await superuser.query(sql, [needle])).rowCount === 1) found.push(`${table}.${column}`);
  }
  return found.sort();
}

/** Lets the tokens of the tenant expire. */
async function letTokensExpire(): Promise<void> {
  const over = `now() - interval '1 minute'`;
  await rowsOf(
    `update grants set issued_at = least(issued_at, ${over} - interval '1 minute'), expires_at = ${over}, session_expires_at = ${over}`,
  );
  await rowsOf(`update holds set expires_at = ${over}`);
  await rowsOf(`update places set until = ${over}`);
  await rowsOf(`update deliveries set next_at = now() where state in ('pending', 'stuck') and follow_up`);
}

/** Lets the erasure come back for what had to wait, until nothing has to. */
async function finished(id: string): Promise<Json> {
  await until(async () => {
    await rowsOf(`update erasures set next_at = now() where finished_at is null and next_at > now()`);
    // What is noted about the user's place is counted within a minute, by the next of the checks every 15 seconds.
    await rowsOf(`update place_counts set checked_at = 'epoch'`);
    await stagedoor.app
      .get(Watchdog)
      .run()
      .catch(() => undefined); // on a busy machine a check may be too slow
    return (await erasureOf(id))['state'] === 'finished';
  }, 'the erasure is finished');
  return await erasureOf(id);
}

/** The person is everywhere: as a user, as a moderator, as one whom others act against. */
async function fill(): Promise<void> {
  const asPerson = await tenant.issuer.token(person, { role: 'host' });
  const must = (status: number, answer: ReturnType<Stagedoor['request']>) => stagedoor.expect(status, answer);
  await must(
    200,
    stagedoor.request('PUT', `/v1/spaces/${space['id']}/members/${inPath}`, { as: tenant.key, body: { role: 'host' } }),
  );
  await must(201, stagedoor.post(`/v1/users/${inPath}/notes`, tenant.key, { text: `${person} is rude` }));
  await must(
    201,
    stagedoor.post('/v1/bans', asPerson, { userId: 'victim', spaceId: space['id'], reason: `says ${person}` }),
  );
  const { ban } = await must(201, stagedoor.post('/v1/bans', asPerson, { userId: 'other', spaceId: space['id'] }));
  await must(200, stagedoor.request('DELETE', `/v1/bans/${ban.id}`, { as: asPerson, body: {} }));
  const kicked = await stagedoor.post(`/v1/spaces/${space['id']}/users/${inPath}/disconnect`, tenant.key, {
    reason: `${person}!`,
  });
  expect([200, 202]).toContain(kicked.status);
  const message = `/v1/spaces/${space['id']}/messages/AbCdEf012345/delete`;
  const deleted = await stagedoor.post(message, tenant.key, { userId: person, reason: `${person}?` });
  expect([200, 202]).toContain(deleted.status);
  // What IVS reports of a stage that they were on.
  await rowsOf(`insert into stage_looks (tenant_id, space_id) values ($1, $2) on conflict do nothing`, [
    tenant.id,
    space['id'],
  ]);
  await rowsOf(
    `insert into stage_sessions (tenant_id, space_id, session_id, started_at) values ($1, $2, 'st', now())`,
    [tenant.id, space['id']],
  );
  await rowsOf(
    `insert into stage_participants (tenant_id, space_id, session_id, participant_id, user_id, joined_at, left_at, seen_at, certainty)
     values ($1, $2, 'st', 'participant', $3, now(), now(), now(), 'reported')`,
    [tenant.id, space['id'], person],
  );
  const detail = { event_name: 'Participant Published', user_id: person };
  await rowsOf(
    `insert into ivs_events (tenant_id, id, type, detail, at) values ($1, 'event', 'IVS Stage Update', $2, now())`,
    [tenant.id, detail],
  );
}

test('of a person nothing is left but what the list says, they are put out, and their bans hold on', async () => {
  await fill();
  const inside = await enter(stagedoor, space['id'], tenant.key, { userId: person });
  await stagedoor.expect(
    201,
    stagedoor.post('/v1/bans', tenant.key, { userId: person, reason: `because of ${person}` }),
  );
  await stagedoor.expect(201, join('ben'));
  const before = await columnsWithPerson();
  // Every column of the list was filled, but those that were empty again at once.
  const passing = new Set([
    'holds',
    'places',
    'place_notes',
    'watches',
    'stage_looks',
    'journal_entries', // the service of this test has no journal
    'unsealed_vends',
    'unsealed_groups',
    'erasures',
  ]);
  const expected = Object.keys(columnsWithUsers).filter((name) => !passing.has(name.split('.')[0] ?? ''));
  const seldom = new Set([
    'audit.subject',
    'bans.lifted_by',
    'deliveries.last_error',
    'idempotency_keys.caller',
    'idempotency_keys.operation',
    'user_notes.author',
    'webhook_deliveries.answer',
    'webhook_deliveries.error',
  ]);
  expect(expected.filter((name) => !seldom.has(name) && !before.includes(name))).toEqual([]);

  const action = await stagedoor.expect(202, erase());
  expect(action).toMatchObject({
    kind: 'user.erase',
    spaceId: null,
    userId: expect.stringMatching(/^erased:[0-9a-f]{32}$/),
  });
  const waiting = await erasureOf(action['id']);
  expect(waiting).toMatchObject({ id: action['id'], name: action['userId'], finishedAt: null });
  await inside.chat.disconnected;
  await until(
    () => stagedoor.ivs.participants(space['stage'].arn).every(({ state }) => state !== 'CONNECTED'),
    'they are out',
  );
  expectProblem(await join(person), 'banned');

  await letTokensExpire();
  const done = await finished(action['id']);
  const remaining = await columnsWithPerson();
  expect(remaining.filter((name) => columnsWithUsers[name]?.becomes !== 'stays')).toEqual([]);
  expect(remaining).toEqual(expect.arrayContaining(['audit.user_id', 'audit.caller']));
  expect(done['erased'].map(({ what }: Json) => what).sort()).toEqual([
    'actions',
    'bans',
    'deliveries',
    'events',
    'grants',
    'ivsEvents',
    'members',
    'notes',
    'participants',
    'webhookDeliveries',
  ]);
  expect(done['remains'].map(({ what }: Json) => what)).toContain('Entries of the audit log');
  expect(done['waitingRows']).toBe(0);
  expect(await rowsOf('select * from verify_audit($1)', [tenant.id]).catch(() => verifyWith())).toEqual([]);

  expectProblem(await join(person), 'banned');
  const token = await tenant.issuer.token(person, { role: 'host' });
  expectProblem(await stagedoor.post(`/v1/spaces/${space['id']}/join`, token, {}), 'banned');
  expectProblem(await stagedoor.post('/v1/bans', token, { userId: 'ben', spaceId: space['id'] }), 'banned');
  const explained = await stagedoor.expect(
    200,
    stagedoor.post(`/v1/spaces/${space['id']}/join/explain`, tenant.key, { userId: person }),
  );
  expect(explained['decision']).toBe('banned');
  const many = await Promise.all(['ben', person, 'cat', 'dan'].map((userId) => join(userId)));
  expect(many.map(({ status }) => status)).toEqual([201, 403, 201, 201]);

  const bans = await stagedoor.expect(
    200,
    stagedoor.get(`/v1/bans?userId=${encodeURIComponent(done['name'])}`, tenant.key),
  );
  expect(bans['data']).toMatchObject([{ userId: done['name'], state: 'active' }]);
  await stagedoor.expect(
    200,
    stagedoor.request('DELETE', `/v1/bans/${bans['data'][0].id}`, { as: tenant.key, body: {} }),
  );
  await stagedoor.expect(201, join(person));

  async function verifyWith(): Promise<Json[]> {
    const [set] = await rowsOf('select schema_name from function_sets order by deployed_at desc limit 1');
    return await rowsOf(`select * from ${set?.['schema_name']}.verify_audit($1)`, [tenant.id]);
  }
});

test('while a token can be used, the erasure waits, and goes on by itself later', async () => {
  await stagedoor.expect(201, join('wanda'));
  const action = await stagedoor.expect(202, erase('wanda'));
  await until(async () => (await erasureOf(action['id']))['state'] === 'waiting', 'it waits');
  expect((await erasureOf(action['id']))['waitingRows']).toBeGreaterThan(0);
  await stagedoor.expect(201, join('walter')); // somebody else
  await letTokensExpire();
  await finished(action['id']);
  expect(await rowsOf(`select from grants where user_id = 'wanda'`)).toEqual([]);
  const [kept] = await rowsOf('select user_id from erasures where id = $1', [action['id']]);
  expect(kept?.['user_id']).toBeNull();
});

test('who comes back after their erasure begins anew, and another tenant’s user of the same id is another person', async () => {
  const other = await stagedoor.createTenant();
  const otherSpace = await stagedoor.createSpace(other);
  const there = () => stagedoor.post(`/v1/spaces/${otherSpace['id']}/join`, other.key, { userId: 'zoe' });
  await stagedoor.expect(201, there());
  await stagedoor.expect(201, join('zoe'));
  await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId: 'zoe' }));
  const action = await stagedoor.expect(202, erase('zoe'));
  await letTokensExpire();
  await finished(action['id']);
  await stagedoor.expect(201, there());
  const secrets = stagedoor.app.get(Secrets);
  expect(action['userId']).toBe(`erased:${secrets.pseudonym(tenant.id, 'zoe')}`);
  expect(action['userId']).not.toBe(`erased:${secrets.pseudonym(other.id, 'zoe')}`);
  expect(await rowsOf('select from grants where user_id = $1 and tenant_id = $2', ['zoe', other.id])).not.toEqual([]);
});

test('an erasure is found by the tenant alone that has asked for it', async () => {
  const other = await stagedoor.createTenant();
  const { id } = await stagedoor.expect(202, erase('nobody'));
  expectProblem(await stagedoor.get(`/v1/erasures/${id}`, other.key), 'not_found');
  expectProblem(await stagedoor.get('/v1/erasures/act_01h455vb4pex5vsknk084sn02q', tenant.key), 'not_found');
  await finished(id);
});

test('every column of text or JSON is known to hold users, or not to', async () => {
  const columns = await rowsOf(`
    select c.table_name as table, c.column_name as column
      from information_schema.columns c
     where c.table_schema = 'public' and c.udt_name in ('text', '_text', 'varchar', 'jsonb', 'json')
       and exists (select from information_schema.columns t where t.table_schema = 'public' and t.table_name = c.table_name and t.column_name = 'tenant_id')`);
  const names = new Set(columns.map(({ table, column }) => `${table}.${column}`));
  const unknown = columns.filter(
    ({ table, column }) => !(`${table}.${column}` in columnsWithUsers) && !isWithoutUsers(table, column),
  );
  const advice =
    'Say in src/erasure/erasure-steps.ts whether a user id, or words about a user, can stand here, and what an erasure does.';
  expect(unknown.map(({ table, column }) => `${table}.${column}: ${advice}`)).toEqual([]);
  expect(Object.keys(columnsWithUsers).filter((name) => !names.has(name))).toEqual([]);
});
