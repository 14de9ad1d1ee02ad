/** GET /v1/checks and GET /v1/checks/ivs: what is wrong with a deployment, as `stagedoor doctor` shows it to the operator. */
import { randomBytes, randomUUID } from 'node:crypto';
import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startPostgres } from '../../../dev/postgres.ts';
import { Settings } from '../../../src/config.ts';
import { DatabaseChecks } from '../../../src/database/database-checks.ts';
import { DatabaseClock } from '../../../src/database/database-clock.ts';
import { Database, ReadDatabase } from '../../../src/database/database.ts';
import { functionSet } from '../../../src/database/function-set.ts';
import { Reach } from '../../../src/database/reach.ts';
import { idOf, Keyring } from '../../../src/secrets/keyring.ts';
import { MasterKeyCheck } from '../../../src/secrets/master-key-check.ts';
import { SealedColumns } from '../../../src/secrets/sealed-columns.ts';
import { type Arrival, settingChecks } from '../../../src/checks/setting-checks.ts';
import { samplesOf } from '../../docs/samples.ts';
import { selfSigned } from '../../support/certificate.ts';
import { asSuperuser, createDatabase } from '../../support/database.ts';
import { expectProblem } from '../../support/problem.ts';
import { type Json, Stagedoor } from '../../support/stagedoor.ts';
import { until } from '../../support/until.ts';

const { operatorToken } = Stagedoor;
const roleArn = 'arn:aws:iam::444455556666:role/stagedoor';
const role = `serves_${randomBytes(5).toString('hex')}`;
let stagedoor: Stagedoor;

/** Runs as somebody whom nothing holds back. */
const sql = (text: string) => stagedoor.database.query(text);

beforeAll(async () => {
  const database = await createDatabase();
  // A role of this file's own: others serve as the usual one at the same time.
  await database.query(`create role ${role} login password 'test' in role stagedoor_app`);
  const url = new URL(database.serviceUrl);
  url.username = role;
  const roles = [{ arn: roleArn, externalId: 'acme-7f3a' }];
  stagedoor = await Stagedoor.start({ DATABASE_URL: url.href }, { roles }, database);
  await stagedoor.createTenant();
});
afterAll(async () => {
  await stagedoor.stop();
  await asSuperuser('postgres', (client) => client.query(`drop role ${role}`));
});

type Checks = Record<string, { outcome: string; found: string; remedy: string | null }>;

async function checksAt(url: string, more: Json = {}): Promise<Checks> {
  const answer = await stagedoor.request('GET', url, { as: operatorToken, ...more });
  const { data } = await stagedoor.expect(200, Promise.resolve(answer));
  return Object.fromEntries((data as Json[]).map(({ check, ...rest }) => [check as string, rest as Checks[string]]));
}

const checks = () => checksAt('/v1/checks');

/**
 * The checks of an account, although it was checked a moment ago. They come again if the machine was too slow for a call: that
 * has two and a half seconds.
 */
async function permissions(query = ''): Promise<Checks> {
  let found: Checks = {};
  await until(async () => {
    await sql(`delete from pacing where operation = 'All for checks'`);
    found = await checksAt(`/v1/checks/ivs${query}`);
    return !Object.values(found).some((one) => /Abort|Timeout|BreakerOpen/.test(one.found));
  }, 'IVS answers each call in time');
  return found;
}

/** The names of the checks with this outcome. */
const thatAre = (outcome: string, found: Checks) =>
  Object.keys(found).filter((name) => found[name]?.outcome === outcome);

describe('the database', () => {
  const ofDatabase = [
    'database role',
    'database rights',
    'row-level security',
    'migrations',
    'functions',
    'encryption',
  ];

  test('is looked at as the role that serves, and nothing is wrong', async () => {
    const found = await checks();
    expect(thatAre('ok', found)).toEqual(expect.arrayContaining([...ofDatabase, 'clock of the database']));
    expect(found['database role']?.found).toContain(role);
    expect(found['functions']?.found).toContain(functionSet.schema);
    for (const name of ofDatabase) expect(found[name]?.remedy).toBeNull();
  });

  const schema = () => functionSet.schema;

  test.each<[what: string, check: string, broken: () => string, mended: () => string, RegExp]>([
    [
      'a role that can bypass row-level security',
      'database role',
      () => `alter role ${role} bypassrls`,
      () => `alter role ${role} nobypassrls`,
      /can bypass row-level security/,
    ],
    [
      'a role that owns a table',
      'database role',
      () => `create table public.later (id text); alter table public.later owner to ${role}`,
      () => 'drop table public.later',
      /owns the table later/,
    ],
    [
      'a role that makes objects',
      'database rights',
      () => `grant create on schema public to ${role}; grant truncate on grants to ${role}`,
      () => `revoke create on schema public from ${role}; revoke truncate on grants from ${role}`,
      /make objects in the schema public, truncate on grants/,
    ],
    [
      'a role that may not read a table',
      'database rights',
      () => 'revoke select on bans from stagedoor_app',
      () => 'grant select on bans to stagedoor_app',
      /lacks the right of select on the table bans, as after a restore without privileges/,
    ],
    [
      'a role that may not delete from a table',
      'database rights',
      () => 'revoke delete on holds from stagedoor_app',
      () => 'grant delete on holds to stagedoor_app',
      /lacks the right of delete on the table holds, as/,
    ],
    [
      'a role that may not write a column',
      'database rights',
      () => 'revoke insert (data) on events from stagedoor_app',
      () => 'grant insert (data) on events to stagedoor_app',
      /lacks the right of insert on the table events, as/,
    ],
    [
      'a role that gets no turns',
      'database rights',
      () => 'revoke usage on sequence turns from stagedoor_app',
      () => 'grant usage on sequence turns to stagedoor_app',
      /lacks the right of usage on the sequence turns, as/,
    ],
    [
      'a role that makes roles',
      'database rights',
      () => `alter role ${role} createrole`,
      () => `alter role ${role} nocreaterole`,
      /makes roles/,
    ],
    [
      'a table whose security is off',
      'row-level security',
      () => 'alter table bans disable row level security',
      () => 'alter table bans enable row level security',
      /bans: it is off/,
    ],
    [
      'a table whose security is not forced',
      'row-level security',
      () => 'alter table bans no force row level security',
      () => 'alter table bans force row level security',
      /bans: it is not forced/,
    ],
    [
      'what lets the service see tenants that it has not entered',
      'tenants',
      () => 'alter table tenants disable row level security',
      () => 'alter table tenants enable row level security',
      /sees tenants that it has not entered/,
    ],
    [
      'a policy that binds to nothing',
      'row-level security',
      () => 'alter policy tenant on bans using (true)',
      () =>
        `alter policy tenant on bans using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))`,
      /bans: the policy/,
    ],
    [
      'a migration that is not there',
      'migrations',
      () => `update _prisma_migrations set rolled_back_at = now() where migration_name = '0056_freezings'`,
      () => 'update _prisma_migrations set rolled_back_at = null',
      /lacks 0056_freezings/,
    ],
    [
      'a migration of another text',
      'migrations',
      () => `update _prisma_migrations set checksum = reverse(checksum) where migration_name = '0056_freezings'`,
      () => `update _prisma_migrations set checksum = reverse(checksum) where migration_name = '0056_freezings'`,
      /another form.*0056_freezings/,
    ],
    [
      'a migration that has failed',
      'migrations',
      () => `insert into _prisma_migrations (id, checksum, migration_name) values ('1', 'x', '9999_later')`,
      () => `delete from _prisma_migrations where id = '1'`,
      /Not finished: 9999_later/,
    ],
    [
      'a function that was changed',
      'functions',
      () =>
        `create or replace function ${schema()}.limit_count(p_limits jsonb, p_name text) returns integer language sql as 'select 1'`,
      () => '',
      /changed limit_count/,
    ],
    [
      'a build that has migrated since',
      'functions',
      () => `insert into function_sets (hash, schema_name) values ('later', 'stagedoor_later')`,
      () => `delete from function_sets where hash = 'later'`,
      /another build has migrated since/,
    ],
    [
      'a database that may lose what it has confirmed',
      'durability',
      () => `alter role ${role} in database ${stagedoor.database.name} set synchronous_commit = off`,
      () => `alter role ${role} reset all`,
      /synchronous_commit = off/,
    ],
  ])('%s is told with a remedy', async (_what, check, broken, mended, told) => {
    const original = await sql(
      `select pg_get_functiondef(oid) as text from pg_proc where proname = 'limit_count' and pronamespace = '${schema()}'::regnamespace`,
    );
    await sql(broken());
    try {
      // A setting of a role counts for new connections.
      if (check === 'durability') await endConnections();
      const found = (await checks())[check];
      expect(found).toMatchObject({
        outcome: expect.stringMatching(/failed|warning/),
        found: expect.stringMatching(told),
      });
      expect(found?.remedy).toMatch(/\S/);
    } finally {
      await sql(mended() || String(original[0]?.['text']));
    }
  });

  async function endConnections(): Promise<void> {
    await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'stagedoor reads' and datname = current_database()`,
    );
  }

  /** What is said of the service's own database, seen in another way. */
  const seen = async (reads: ReadDatabase, reach: Reach): Promise<Checks> =>
    Object.fromEntries(
      (await new DatabaseChecks(reads, reach, reach.clock).all()).map(({ check, ...rest }) => [check, rest]),
    );

  test.each([
    [60, 'failed', /60 s behind/],
    [-10, 'warning', /10 s ahead of/],
  ])('whose clock is %d s ahead is told', async (ahead, outcome, told) => {
    const reach = new Reach(true);
    const at = performance.now();
    reach.clock.set([{ askedAt: at, answeredAt: at, databaseMs: Date.now() + 1_000 * ahead }]);
    const found = await seen(stagedoor.app.get(ReadDatabase), reach);
    expect(found['clock of the database']).toMatchObject({
      outcome,
      found: expect.stringMatching(told),
      remedy: 'Set both by NTP.',
    });
    expect(found['encryption']).toMatchObject({ outcome: 'unknown', found: expect.stringMatching(/pooler/) });
  });

  test('that does not answer is unknown, and the settings are told all the same', async () => {
    const pool = new pg.Pool({ connectionString: 'postgresql://nobody@127.0.0.1:9/none' });
    const found = await seen({ pool } as unknown as ReadDatabase, new Reach(false));
    expect(thatAre('unknown', found)).toEqual(expect.arrayContaining(ofDatabase.filter((name) => name !== 'tenants')));
    expect(found['database role']?.remedy).toMatch(/health\/ready/);
  });

  const addresses = Object.values(os.networkInterfaces()).flat();
  const remote = addresses.find((one) => one?.family === 'IPv4' && !one.internal)?.address;

  // A machine without a network, as some containers are, has no other address than those that are its own for sure.
  (remote === undefined ? test.skip : test)(
    'at an address of a network is told to be encrypted, until it is',
    async () => {
      const dataDir = path.join(os.tmpdir(), `stagedoor-test-${randomUUID()}`);
      const password = randomBytes(16).toString('hex');
      const server = await startPostgres({ dataDir, durable: false, host: remote as string, password });
      const open = new pg.Pool({ connectionString: server.url('postgres') });
      const ssl = { ca: selfSigned.cert, servername: 'localhost' };
      const encrypted = new pg.Pool({ connectionString: server.url('postgres'), ssl });
      const encryptionBy = async (pool: pg.Pool) =>
        (await seen({ pool } as unknown as ReadDatabase, new Reach(false)))['encryption'];
      try {
        expect(await encryptionBy(open)).toEqual({
          outcome: 'warning',
          found: 'The connection to Postgres is not encrypted.',
          remedy: expect.stringMatching(/sslmode=verify-full/),
        });
        const { uid, gid } = statSync(server.dataDir);
        for (const [name, text] of [
          ['server.crt', selfSigned.cert],
          ['server.key', selfSigned.key],
        ] as const) {
          const file = path.join(server.dataDir, name);
          writeFileSync(file, text, { mode: 0o600 });
          chownSync(file, uid, gid);
        }
        await open.query('alter system set ssl = on');
        await open.query('select pg_reload_conf()');
        await until(
          async () =>
            await encrypted.query('select').then(
              () => true,
              () => false,
            ),
          'Postgres encrypts',
        );
        expect(await encryptionBy(encrypted)).toEqual({
          outcome: 'ok',
          found: 'The connection to Postgres is encrypted.',
          remedy: null,
        });
        expect((await encryptionBy(open))?.outcome).toBe('warning');
      } finally {
        await Promise.all([open.end(), encrypted.end()]);
        await server.stop();
      }
    },
  );

  test('that may not be looked at is unknown, and says what to do', async () => {
    await sql('revoke select on function_sets from stagedoor_app');
    try {
      expect((await checks())['functions']).toMatchObject({
        outcome: 'unknown',
        remedy: expect.stringMatching(/migrate\.js/),
      });
    } finally {
      await sql('grant select on function_sets to stagedoor_app');
    }
  });
});

describe('the permissions at IVS', () => {
  /** Each action of the policy that operators are told to give. */
  const actions = (() => {
    const policy = samplesOf('operations/deploy.md').find(({ kind }) => kind === 'json policy');
    const { Statement } = JSON.parse(policy?.text ?? '') as { Statement: { Action: string[] }[] };
    return Statement.flatMap(({ Action }) => Action).toSorted();
  })();

  test('are tried, each of the policy once, and nothing changes at IVS', async () => {
    const tenant = await stagedoor.createTenant();
    await stagedoor.createSpace(tenant);
    await stagedoor.expect(201, stagedoor.post('/v1/signing-keys', tenant.key));
    const before = JSON.stringify(await lists());
    stagedoor.ivs.clearJournal();
    const found = await permissions();
    expect(Object.keys(found).toSorted()).toEqual(['AWS account', ...actions].toSorted());
    expect(thatAre('ok', found).toSorted()).toEqual(actions);
    expect(found['AWS account']).toMatchObject({ outcome: 'warning', found: expect.stringContaining(':user/local') });
    const called = new Set(stagedoor.ivs.journal().map(({ operation }) => operation));
    expect(called.size).toBe(new Set(actions.map((action) => action.split(':')[1])).size + 1);
    expect(JSON.stringify(await lists())).toBe(before);
  });

  const lists = async () => {
    const { IVSRealTimeClient, ListStagesCommand, ListPublicKeysCommand } =
      await import('@aws-sdk/client-ivs-realtime');
    const { IvschatClient, ListRoomsCommand } = await import('@aws-sdk/client-ivschat');
    const config = { region: 'us-east-1', endpoint: stagedoor.ivs.url };
    const [ivs, chat] = [new IVSRealTimeClient(config), new IvschatClient(config)];
    const { stages } = await ivs.send(new ListStagesCommand({}));
    const { publicKeys } = await ivs.send(new ListPublicKeysCommand({}));
    const { rooms } = await chat.send(new ListRoomsCommand({}));
    return [stages, publicKeys, rooms];
  };

  test('that AWS denies are told, each with what to allow', async () => {
    const names = [...new Set(actions.map((action) => action.slice(action.indexOf(':') + 1)))];
    for (const operation of names)
      stagedoor.ivs.fault({
        operation,
        effect: { error: 'AccessDeniedException', status: 403, message: 'no policy allows it' },
      });
    const found = await permissions();
    stagedoor.ivs.clearFaults();
    expect(thatAre('failed', found).toSorted()).toEqual(actions);
    for (const action of actions)
      expect(found[action]).toMatchObject({
        found: expect.stringContaining('no policy allows it'),
        remedy: expect.stringContaining(`Allow ${action} in the role of the service`),
      });
    expect(found['ivs:ImportPublicKey']?.remedy).toMatch(/without signing keys/);
  });

  test('are unknown while IVS has no time, and tell of an account that AWS has not verified', async () => {
    stagedoor.ivs.fault({ operation: 'GetStage', effect: { throttle: true } });
    stagedoor.ivs.fault({ operation: 'SendEvent', effect: { error: 'InternalServerException' } });
    stagedoor.ivs.fault({ operation: 'CreateChatToken', effect: { error: 'PendingVerification', status: 403 } });
    const found = await permissions();
    stagedoor.ivs.clearFaults();
    expect(thatAre('unknown', found)).toEqual(['ivs:GetStage', 'ivschat:SendEvent']);
    expect(found['ivschat:CreateChatToken']?.remedy).toMatch(/AWS Support/);
  });

  test('in the account of a tenant are those of its own session, and a role that cannot be assumed is told', async () => {
    const aws = { roleArn, externalId: 'acme-7f3a' };
    const tenant = await stagedoor.createTenant(undefined, { aws });
    const found = await permissions(`?tenantId=${tenant.id}`);
    expect(thatAre('ok', found).toSorted()).toEqual(['AWS account', ...actions].toSorted());
    expect(found['AWS account']?.found).toContain(`444455556666:assumed-role/stagedoor/stagedoor-${tenant.id}`);
    const broken = await stagedoor.createTenant(undefined, { aws: { roleArn, externalId: 'wrong-7f3a' } });
    const refused = await permissions(`?tenantId=${broken.id}`);
    expect(refused).toEqual({
      'AWS account': {
        outcome: 'failed',
        found: expect.stringContaining(`cannot assume ${roleArn}`),
        remedy: expect.stringMatching(/trust policy/),
      },
    });
    expect(JSON.stringify(refused)).not.toContain('7f3a');
  });

  test('of what names nothing are tried where AWS does not tell who the service is', async () => {
    stagedoor.ivs.fault({ operation: 'GetCallerIdentity', effect: { error: 'InternalFailure', status: 500 } });
    const found = await permissions();
    stagedoor.ivs.clearFaults();
    expect(Object.keys(found).toSorted()).toEqual([
      'AWS account',
      'ivs:CreateStage',
      'ivs:ImportPublicKey',
      'ivs:ListPublicKeys',
      'ivs:ListStages',
      'ivschat:ListRooms',
    ]);
    expect(found['AWS account']?.outcome).toBe('unknown');
  });

  test('are tried once in 20 seconds in an account, and not of a tenant that is not there', async () => {
    await permissions();
    const again = await stagedoor.get('/v1/checks/ivs', operatorToken);
    expectProblem(again, 'rate_limited');
    expect(Number(again.headers.get('retry-after'))).toBe(20);
    expectProblem(await stagedoor.get('/v1/checks/ivs?tenantId=ten_none', operatorToken), 'not_found');
  });
});

test('nobody but the operator sees any of it', async () => {
  const tenant = await stagedoor.createTenant();
  for (const url of ['/v1/checks', '/v1/checks/ivs']) {
    expectProblem(await stagedoor.get(url, tenant.key), 'forbidden');
    expectProblem(await stagedoor.get(url), 'unauthenticated');
  }
});

describe('the settings', () => {
  const sound = {
    DATABASE_URL: 'postgresql://service:3f9a0c21d8@db.example/stagedoor',
    STAGEDOOR_OPERATOR_TOKEN: randomBytes(24).toString('hex'),
    STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
    AWS_REGION: 'us-east-1',
    METRICS_PORT: '9464',
    JOURNAL_URL: 's3://acme-journal/production',
    AUDIT_ARCHIVE_URL: 's3://acme-audit/production',
    IVS_EVENTS_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/123456789012/ivs-events',
    TRUSTED_PROXIES: '10.0.0.0/8',
  };
  const direct: Arrival = { isForwarded: false, isBelieved: false, peer: '203.0.113.7' };
  const of = (env: Record<string, string> = {}, arrival = direct): Checks =>
    Object.fromEntries(
      settingChecks(Settings.from({ ...sound, ...env }), arrival).map(({ check, ...rest }) => [check, rest]),
    );

  test('that are sound are all ok', () => {
    const found = of();
    expect(thatAre('ok', found)).toEqual(Object.keys(found));
    expect(Object.keys(found).length).toBeGreaterThan(9);
  });

  const example = 'example-operator-token-change-me-0123';
  test.each<[env: Record<string, string>, check: string, outcome: string, told: RegExp]>([
    [{ STAGEDOOR_OPERATOR_TOKEN: example }, 'secrets', 'failed', /STAGEDOOR_OPERATOR_TOKEN/],
    [
      { STAGEDOOR_MASTER_KEY: 'ZXhhbXBsZSBtYXN0ZXIga2V5OiBjaGFuZ2UgbWUgISE=' },
      'secrets',
      'failed',
      /STAGEDOOR_MASTER_KEY/,
    ],
    [
      { DATABASE_URL: 'postgresql://s:change-me-too@db.example/x' },
      'secrets',
      'failed',
      /the password in DATABASE_URL/,
    ],
    [{ IVS_EVENTS_SECRET: 'example-ingest-secret-change-me-0123456' }, 'secrets', 'failed', /IVS_EVENTS_SECRET/],
    [{ DATABASE_OWNER_URL: 'postgresql://o:x@db.example/x' }, 'DATABASE_OWNER_URL', 'warning', /owns the tables/],
    [{ IVS_ENDPOINT: 'http://127.0.0.1:4580' }, 'IVS_ENDPOINT', 'warning', /127\.0\.0\.1:4580/],
    [{ JOURNAL_ENDPOINT: 'http://s3.example' }, 'IVS_ENDPOINT', 'warning', /JOURNAL_ENDPOINT/],
    [{ TRUSTED_PROXIES: '10.0.0.0/8,0.0.0.0/0' }, 'TRUSTED_PROXIES', 'failed', /every address/],
    [{ METRICS_PORT: '', METRICS_PUBLIC: 'true' }, 'METRICS_PORT', 'warning', /whoever reaches the service/],
    [{ METRICS_PORT: '' }, 'METRICS_PORT', 'warning', /Nobody can read/],
    [{ JOURNAL_URL: '' }, 'JOURNAL_URL', 'warning', /banned/],
    [{ AUDIT_ARCHIVE_URL: '' }, 'AUDIT_ARCHIVE_URL', 'warning', /after 400 days/],
    [{ IVS_EVENTS_QUEUE_URL: '' }, 'IVS_EVENTS_QUEUE_URL', 'warning', /every 15 s/],
    [{ IVS_EVENTS_QUEUE_URL: '', PRESENCE_LOOK_SECONDS: '0' }, 'IVS_EVENTS_QUEUE_URL', 'warning', /is 0/],
    [
      { IVS_EVENTS_SECRET: [1, 2].map(() => randomBytes(20).toString('hex')).join() },
      'IVS_EVENTS_QUEUE_URL',
      'warning',
      /two secrets/,
    ],
    [{ JWKS_ALLOW_PRIVATE_ADDRESSES: 'true' }, 'private addresses', 'warning', /JWKS_/],
    [{ WEBHOOKS_ALLOW_PRIVATE_ADDRESSES: 'true' }, 'private addresses', 'warning', /WEBHOOKS_/],
    [{ SHUTDOWN_DRAIN_SECONDS: '0' }, 'SHUTDOWN_DRAIN_SECONDS', 'warning', /goes on for 0 s/],
  ])('%# is told with a remedy and without a secret', (env, check, outcome, told) => {
    const found = of(env);
    expect(found[check]).toMatchObject({
      outcome,
      found: expect.stringMatching(told),
      remedy: expect.stringMatching(/\S/),
    });
    for (const secret of [
      sound.STAGEDOOR_OPERATOR_TOKEN,
      sound.STAGEDOOR_MASTER_KEY,
      '3f9a0c21d8',
      ...Object.values(env),
    ])
      if (secret.length > 20 || secret === '3f9a0c21d8') expect(JSON.stringify(found)).not.toContain(secret);
  });

  test('a proxy that nobody named shows by the request itself', async () => {
    const forwarded = { headers: { 'x-forwarded-for': '198.51.100.4' } };
    expect((await checks())['TRUSTED_PROXIES']?.outcome).toBe('ok');
    const found = (await checksAt('/v1/checks', forwarded))['TRUSTED_PROXIES'];
    expect(found).toMatchObject({ outcome: 'warning', found: expect.stringMatching(/no proxy is trusted/) });
    expect(of({}, { ...direct, isForwarded: true })['TRUSTED_PROXIES']?.found).toMatch(/not among/);
    expect(of({}, { ...direct, isForwarded: true, isBelieved: true })['TRUSTED_PROXIES']?.outcome).toBe('ok');
  });

  test('a master key that seals for longer than a year, and one that nothing needs, are told', async () => {
    expect((await checks())['STAGEDOOR_MASTER_KEY']?.outcome).toBe('ok');
    await sql(`update master_keys set first_used_at = now() - interval '2 years'`);
    expect((await checks())['STAGEDOOR_MASTER_KEY']).toMatchObject({
      outcome: 'warning',
      remedy: expect.stringMatching(/once a year/),
    });
  });

  test('a master key that nothing needs, and one that something may need, are told', async () => {
    const { app } = stagedoor;
    const other = randomBytes(32);
    const [given] = app.get(Settings).masterKeys as [Buffer];
    const keys = [given, other].map((key) => key.toString('base64')).join();
    const check = new MasterKeyCheck(
      Settings.from({ ...sound, STAGEDOOR_MASTER_KEY: keys }),
      app.get(Database),
      app.get(Keyring, { strict: false }),
      app.get(SealedColumns),
      app.get(DatabaseClock),
    );
    const spare = await check.look();
    expect(spare).toMatchObject({ outcome: 'warning', remedy: expect.stringMatching(/Take it out/) });
    expect(spare.found).toContain(idOf(other));
    await sql(`insert into master_keys (id, began, root) values ('${idOf(other)}', false, '')`);
    expect(await check.look()).toMatchObject({
      outcome: 'warning',
      remedy: expect.stringMatching(/Keep the key until/),
    });
  });
});

// It comes last: Passport knows the strategies of the service that was started last.
describe('an account where not everything is as it should be', () => {
  const account = '111122223333';
  let folder: string;
  let other: Stagedoor;
  let found: Json;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-seed-'));
    const seed = path.join(folder, 'seed.json');
    const destinationConfiguration = { cloudWatchLogs: { logGroupName: 'chat' } };
    writeFileSync(seed, JSON.stringify({ loggingConfigurations: [{ id: 'StagedoorDry', destinationConfiguration }] }));
    // The service has the key of the root user.
    const root = { accessKeyId: 'local', secretAccessKey: 'local', account, root: true };
    other = await Stagedoor.start({}, { seed, credentials: [root] });
    await until(async () => {
      await other.database.query(`delete from pacing where operation = 'All for checks'`);
      found = await other.expect(200, other.get('/v1/checks/ivs', operatorToken));
      return !/Abort|Timeout|BreakerOpen/.test(JSON.stringify(found));
    }, 'IVS answers in time');
  });
  afterAll(async () => {
    await other.stop();
    rmSync(folder, { recursive: true });
  });

  const check = (name: string) => (found['data'] as Json[]).find((one) => one['check'] === name);

  test('the root user is told to be replaced, and its permissions are tried all the same', () => {
    expect(check('AWS account')).toMatchObject({
      outcome: 'failed',
      found: `The service is arn:aws:iam::${account}:root in us-east-1.`,
      remedy: expect.stringMatching(/Use a role .* never the root user/),
    });
    expect(found['account']).toBe(account);
    expect(check('ivs:CreateParticipantToken')?.['outcome']).toBe('ok');
  });

  test('what IVS makes although it should refuse is deleted again', () => {
    expect(check('ivschat:CreateRoom')?.['found']).toMatch(/deleted again/);
    const done = (operation: string) => other.ivs.journal({ operation }).filter(({ error }) => error === undefined);
    expect(done('DeleteRoom')).toHaveLength(done('CreateRoom').length);
  });
});
