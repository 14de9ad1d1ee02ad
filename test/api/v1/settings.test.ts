/** What a tenant settles for itself, and that it counts. */
import { EventRetention } from '../../../src/events/event-retention.ts';
import { Retention } from '../../../src/retention/retention.ts';
import { SessionRetention } from '../../../src/sessions/session-retention.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor, type TestTenant } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

let stagedoor: Stagedoor;
let tenant: TestTenant;

beforeAll(async () => {
  stagedoor = await Stagedoor.start({
    EVENT_RETENTION_DAYS: '20',
    GRANT_RETENTION_DAYS: '40',
    AUDIT_RETENTION_DAYS: '60',
  });
});
afterAll(() => stagedoor.stop());
beforeEach(async () => {
  tenant = await stagedoor.createTenant();
});

const change = (body: Json, as = tenant.key) => stagedoor.request('PATCH', '/v1/settings', { as, body });
const settings = (as = tenant.key) => stagedoor.expect(200, stagedoor.get('/v1/settings', as));

async function keyWith(...scopes: string[]): Promise<string> {
  const { key } = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', tenant.key, { name: 'few', scopes }));
  return key as string;
}

test('a tenant has the numbers of the deployment until it chooses its own, and each change stands alone', async () => {
  const most = { events: 20, grants: 40, audit: 60 };
  const before = {
    retentionDays: most,
    mostRetentionDays: most,
    reasons: [],
    oneLiveToken: 'off',
    updatedAt: null,
  };
  expect(await settings()).toEqual(before);
  const first = await stagedoor.expect(200, change({ reasons: ['Spam', 'Insults others'] }));
  expect(first).toEqual({ ...before, reasons: ['Spam', 'Insults others'], updatedAt: expect.any(String) });
  await stagedoor.expect(200, change({ retentionDays: { events: 7, grants: 15 } }));
  expect(await settings()).toMatchObject({
    retentionDays: { events: 7, grants: 15 },
    reasons: ['Spam', 'Insults others'],
  });
  await stagedoor.expect(200, change({ retentionDays: { events: null, grants: null }, reasons: [] }));
  expect(await settings()).toMatchObject({ retentionDays: most, reasons: [] });
  expect(await stagedoor.expect(200, change({ oneLiveToken: 'newest' }))).toMatchObject({ oneLiveToken: 'newest' });
  expect(await settings()).toMatchObject({ oneLiveToken: 'newest', reasons: [] });
  const { data } = await stagedoor.expect(200, stagedoor.get('/v1/audit?action=settings.update', tenant.key));
  expect((data as Json[]).map(({ details }) => details as unknown)).toEqual([
    { oneLiveToken: 'newest' },
    { retentionDays: { events: null, grants: null }, reasons: [] },
    { retentionDays: { events: 7, grants: 15 } },
    { reasons: ['Spam', 'Insults others'] },
  ]);
  expect(await settings((await stagedoor.createTenant()).key)).toEqual(before);
});

test.each<[string, Json, string]>([
  ['nothing', {}, ''],
  ['more days than the deployment allows', { retentionDays: { events: 21 } }, 'retentionDays.events'],
  ['fewer days than a token may last', { retentionDays: { grants: 14 } }, 'retentionDays.grants'],
  ['fewer days than evidence needs', { retentionDays: { audit: 29 } }, 'retentionDays.audit'],
  ['no day', { retentionDays: { events: 0 } }, 'retentionDays.events'],
  ['a reason twice', { reasons: ['Spam', 'Spam'] }, 'reasons'],
  ['a reason that IVS would cut', { reasons: ['x'.repeat(129)] }, 'reasons.0'],
  ['a number of live tokens that is none', { oneLiveToken: 'two' }, 'oneLiveToken'],
  ['too many reasons', { reasons: Array.from({ length: 31 }, (_, at) => `reason ${at}`) }, 'reasons'],
])('%s is refused', async (_, body, path) => {
  const answer = await change(body);
  expectProblem(answer, 'invalid_request');
  expect(answer.body['errors']).toMatchObject([{ path }]);
});

test('who moderates reads the settings, and only who may write them changes them', async () => {
  const moderates = await keyWith('moderation:write');
  expect(await settings(moderates)).toMatchObject({ reasons: [] });
  expectProblem(await change({ reasons: ['Spam'] }, moderates), 'forbidden');
  expectProblem(await stagedoor.get('/v1/settings', await keyWith('spaces:read')), 'forbidden');
  await stagedoor.expect(200, change({ reasons: ['Spam'] }, await keyWith('settings:write')));
});

test('events and sessions end after the days of their tenant, and those of others stay', async () => {
  const other = await stagedoor.createTenant();
  const kept = async (of: TestTenant) => {
    const { data } = await stagedoor.expect(200, stagedoor.get('/v1/events', of.key));
    const sessions = await stagedoor.database.query('select session_id from stage_sessions where tenant_id = $1', [
      of.id,
    ]);
    return { events: (data as Json[]).length > 0, sessions: sessions.length };
  };
  for (const one of [tenant, other]) {
    const space = await stagedoor.createSpace(one);
    await until(async () => {
      const open = `select from events where tenant_id = $1 and position is null`;
      return (await stagedoor.database.query(open, [one.id])).length === 0;
    }, 'all events have their places');
    for (const sql of [
      `insert into stage_looks (tenant_id, space_id) values ($1, $2) on conflict do nothing`,
      `insert into stage_sessions (tenant_id, space_id, session_id, started_at, ended_at)
       values ($1, $2, 'st-old', now() - interval '11 days', now() - interval '10 days')`,
    ])
      await stagedoor.database.query(sql, [one.id, space['id']]);
    for (const sql of [
      `update events set logged_at = logged_at - interval '10 days' where tenant_id = $1`,
      `update event_logs set first_at = first_at - interval '10 days' where tenant_id = $1`,
    ])
      await stagedoor.database.query(sql, [one.id]);
  }
  const sweep = async () => {
    await stagedoor.app.get(EventRetention).run();
    await stagedoor.app.get(SessionRetention).run();
  };
  await sweep();
  expect(await kept(tenant)).toEqual({ events: true, sessions: 1 });
  await stagedoor.expect(200, change({ retentionDays: { events: 9 } }));
  // The change itself is no event.
  await sweep();
  expect(await kept(tenant)).toEqual({ events: false, sessions: 0 });
  expect(await kept(other)).toEqual({ events: true, sessions: 1 });
});

test('grants, actions and bans end after the days of their tenant, and what is in force goes on', async () => {
  const other = await stagedoor.createTenant();
  const query = (sql: string, of: TestTenant) => stagedoor.database.query(sql, [of.id]);
  const all = async (path: string, of: TestTenant) =>
    (await stagedoor.expect(200, stagedoor.get(path, of.key)))['data'] as Json[];
  const users = async (path: string, of: TestTenant) =>
    (await all(path, of)).map(({ userId }) => userId as string).toSorted();
  const spaces = new Map<TestTenant, Json>();
  const join = (of: TestTenant, userId: string) =>
    stagedoor.post(`/v1/spaces/${spaces.get(of)?.['id']}/join`, of.key, { userId });
  await stagedoor.expect(200, change({ retentionDays: { grants: 15 } }));
  for (const one of [tenant, other]) {
    spaces.set(one, await stagedoor.createSpace(one, { room: false }));
    for (const userId of ['ann', 'ben', 'cid']) await stagedoor.expect(201, join(one, userId));
    await stagedoor.expect(201, stagedoor.post('/v1/bans', one.key, { userId: 'ben' }));
    const { ban } = await stagedoor.expect(201, stagedoor.post('/v1/bans', one.key, { userId: 'cid' }));
    await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${ban.id}`, { as: one.key, body: {} }));
    // Twenty days pass. The watch then finds that nobody is there, and ends what it holds.
    for (const table of ['grants', 'holds'])
      await query(`update ${table} set expires_at = expires_at - interval '20 days' where tenant_id = $1`, one);
    await query(`update grants set session_expires_at = expires_at where tenant_id = $1`, one);
    await until(async () => {
      const [open] = await query(
        `select (select count(*) from holds where tenant_id = $1) + (select count(*) from actions where tenant_id = $1 and not delivery_told)
                + (select count(*) from deliveries where tenant_id = $1 and done_at is null) as number`,
        one,
      );
      return Number(open?.['number']) === 0;
    }, 'nothing is held or left to do');
    await query(`update deliveries set done_at = done_at - interval '20 days' where tenant_id = $1`, one);
    await query(`update actions set created_at = created_at - interval '20 days' where tenant_id = $1`, one);
    await query(`update bans set lifted_at = lifted_at - interval '20 days' where tenant_id = $1`, one);
    await stagedoor.expect(201, join(one, 'dan'));
  }
  await stagedoor.app.get(Retention).runWhole();
  expect(await users('/v1/grants', tenant)).toEqual(['dan']);
  expect(await users('/v1/bans', tenant)).toEqual(['ben']);
  expect(await users('/v1/actions', tenant)).toEqual(['ben']);
  expect(await query('select from deliveries where tenant_id = $1', tenant)).toEqual([]);
  expectProblem(await join(tenant, 'ben'), 'banned');
  await stagedoor.expect(201, join(tenant, 'cid'));
  expect(await users('/v1/grants', other)).toEqual(['ann', 'ben', 'cid', 'dan']);
  expect(await users('/v1/bans', other)).toEqual(['ben', 'cid']);
});

test('what a ban held in a chat ends too, though its call to IVS was given up', async () => {
  await stagedoor.expect(200, change({ retentionDays: { grants: 15 } }));
  const space = await stagedoor.createSpace(tenant, { stage: false });
  const body = { userId: 'ann' };
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/chat-tokens`, tenant.key, body));
  const outage = stagedoor.ivs.fault({ operation: 'DisconnectUser', effect: { error: 'InternalServerException' } });
  const { ban } = await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, body));
  const rows = async (sql: string) => await stagedoor.database.query(sql, [tenant.id]);
  await rows(`update deliveries set needed_until = now(), next_at = now() where tenant_id = $1`);
  const isOpen = `select from deliveries d join actions a on a.tenant_id = d.tenant_id and a.id = d.action_id
                   where d.tenant_id = $1 and (d.state <> 'expired' or not a.delivery_told)`;
  await until(async () => (await rows(isOpen)).length === 0, 'both calls are given up, and the end of the act is told');
  stagedoor.ivs.clearFaults();
  expect(outage.struck).toBeGreaterThan(0);
  expect(await rows('select kind from holds where tenant_id = $1')).toEqual([{ kind: 'chat' }]);

  await rows(`update bans set expires_at = now() - interval '20 days', expiry_told = true where tenant_id = $1`);
  for (const [table, time] of Object.entries({
    grants: 'expires_at',
    holds: 'expires_at',
    deliveries: 'done_at',
    actions: 'created_at',
  })) {
    await rows(`update ${table} set ${time} = ${time} - interval '20 days' where tenant_id = $1`);
  }
  await rows(`update grants set session_expires_at = expires_at where tenant_id = $1`);
  await stagedoor.app.get(Retention).runWhole();
  for (const table of ['holds', 'deliveries', 'actions', 'bans', 'grants'])
    expect([table, await rows(`select from ${table} where tenant_id = $1`)]).toEqual([table, []]);
  expect(ban.state).toBe('active');
});

test('API keys that have ended, deleted spaces and finished erasures end after the days of the audit log', async () => {
  const one = await stagedoor.createTenant();
  const as = one.key;
  const rows = async (sql: string) => await stagedoor.database.query(sql, [one.id]);
  const days = { retentionDays: { audit: 30, grants: 15 } };
  await stagedoor.expect(200, stagedoor.request('PATCH', '/v1/settings', { as, body: days }));
  const made = await stagedoor.expect(201, stagedoor.post('/v1/api-keys', as, { name: 'first', scopes: ['*'] }));
  const rotate = { graceSeconds: 0 };
  const next = await stagedoor.expect(201, stagedoor.post(`/v1/api-keys/${made['id']}/rotate`, made['key'], rotate));
  expect(next['parentId']).toBe(made['id']);
  const space = await stagedoor.createSpace(one);
  const needed = await stagedoor.createSpace(one);
  await stagedoor.expect(201, stagedoor.post('/v1/bans', as, { userId: 'ben', spaceId: needed['id'] }));
  await stagedoor.expect(201, stagedoor.post(`/v1/spaces/${space['id']}/join`, as, { userId: 'ann' }));
  for (const { id } of [space, needed])
    await stagedoor.expect(204, stagedoor.request('DELETE', `/v1/spaces/${id}`, { as }));
  const erasure = await stagedoor.expect(202, stagedoor.request('DELETE', '/v1/users/eve/data', { as }));
  const isSettled = `select from spaces where tenant_id = $1 and (stage_arn is not null or room_arn is not null)
    union all select from erasures where tenant_id = $1 and finished_at is null
    union all select from actions where tenant_id = $1 and not delivery_told`;
  await until(async () => (await rows(isSettled)).length === 0, 'what was deleted is gone, and the person is erased');

  // Twenty days pass. Grants have ended, and the audit log still names the key, the spaces and the erasure.
  const pass = async (days: number) => {
    for (const [table, ...times] of [
      ['grants', 'issued_at', 'expires_at', 'session_expires_at'],
      ['holds', 'expires_at'],
      ['actions', 'created_at'],
      ['deliveries', 'done_at'],
      ['spaces', 'deleted_at'],
      ['api_keys', 'expires_at'],
      ['erasures', 'finished_at'],
    ] as const)
      for (const time of times)
        await rows(`update ${table} set ${time} = ${time} - interval '${days} days' where tenant_id = $1`);
    await stagedoor.app.get(Retention).runWhole();
  };
  const count = async (table: string) => (await rows(`select from ${table} where tenant_id = $1`)).length;
  await pass(20);
  expect([await count('grants'), await count('spaces'), await count('erasures')]).toEqual([0, 2, 1]);
  await stagedoor.expect(200, stagedoor.get(`/v1/erasures/${erasure['id']}`, as));
  await pass(20);
  // A ban is in force in one of the spaces, and was never lifted.
  expect(await rows('select id from spaces where tenant_id = $1')).toEqual([{ id: needed['id'] }]);
  expect(await count('erasures')).toBe(0);
  expectProblem(await stagedoor.get(`/v1/erasures/${erasure['id']}`, as), 'not_found');
  expectProblem(await stagedoor.get('/v1/spaces', made['key']), 'unauthenticated');
  // What it has made counts as made by the key that had made it, and is used as before.
  const keys = await stagedoor.expect(200, stagedoor.get('/v1/api-keys', as));
  const nextNow = (keys['data'] as Json[]).find(({ id }) => id === next['id']);
  expect(made['parentId']).toMatch(/^key_/);
  expect(nextNow?.['parentId']).toBe(made['parentId']);
  expect(await rows(`select from api_keys where tenant_id = $1 and id = '${made['id']}'`)).toEqual([]);
  await stagedoor.expect(200, stagedoor.get('/v1/spaces', next['key']));
  await stagedoor.createSpace(one);
});
