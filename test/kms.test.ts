/** Master keys in AWS KMS: each tenant has a data key, which a replica has in memory once it was used. */
import { randomBytes } from 'node:crypto';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SignJWT } from 'jose';
import pg from 'pg';
import type { Emulator } from '../emulator/src/emulator.ts';
import { createApp } from '../src/app.ts';
import { verifyAudit } from '../src/audit/verify.ts';
import { type MasterKey, Settings } from '../src/config.ts';
import { CredentialDatabase } from '../src/database/database.ts';
import { publicHalf } from '../src/secrets/audit-key.ts';
import { DataKeys } from '../src/secrets/data-keys.ts';
import { idOf } from '../src/secrets/keyring.ts';
import { openKeyring } from '../src/secrets/open-keyring.ts';
import { Kms } from '../src/secrets/kms.ts';
import { KmsWatch } from '../src/secrets/kms-watch.ts';
import { counts, statesOf } from '../src/secrets/master-keys.ts';
import { Resealing } from '../src/secrets/resealing.ts';
import { Secrets } from '../src/secrets/secrets.ts';
import { createDatabase, type TestDatabase } from './support/database.ts';
import { startEmulator } from './support/emulator.ts';
import { KmsServer } from './support/kms-server.ts';
import { ServiceProcess } from './support/service-process.ts';
import { build } from './support/shared.ts';
import { HttpClient, type Json, Stagedoor, started, type TestTenant } from './support/stagedoor.ts';
import { until } from './support/until.ts';

let ivs: Emulator;
let kms: KmsServer;
let database: TestDatabase;
let client: pg.Client;
/** Two keys in AWS KMS, and one of the environment. */
let a: string;
let b: string;
const own = randomBytes(32);
/** A replica costs a second, so tests share what runs. */
const replicas: Replica[] = [];

beforeAll(async () => {
  [ivs, kms, database] = await Promise.all([startEmulator({}), KmsServer.start(), createDatabase(), build()]);
  client = new pg.Client({ connectionString: database.serviceUrl });
  await client.connect();
  a = kms.createKey(true);
  b = kms.createKey();
}, 300_000);
afterAll(async () => {
  await Promise.all(replicas.map((replica) => replica.stop()));
  await client.end();
  await Promise.all([ivs.stop(), kms.stop()]);
  await database.drop();
});
afterEach(() => {
  kms.outage = 'none';
  kms.beforeAnswer = () => Promise.resolve();
});

const textOf = (key: MasterKey) => (typeof key === 'string' ? key : key.toString('base64'));
const environment = (on: TestDatabase, keys: MasterKey[]) =>
  Stagedoor.environment(ivs, on, { STAGEDOOR_MASTER_KEY: keys.map(textOf).join(','), KMS_ENDPOINT: kms.url });

/** A replica with these master keys. */
class Replica extends HttpClient {
  private closing: Promise<void> | undefined;

  private constructor(
    readonly app: NestFastifyApplication,
    url: string,
  ) {
    super(url);
  }

  static async start(keys: MasterKey[], on = database): Promise<Replica> {
    const app = await started(() => createApp(Settings.from(environment(on, keys))));
    // They would work by themselves in the middle of a test.
    await app.get(Resealing).beforeApplicationShutdown();
    await app.get(KmsWatch).beforeApplicationShutdown();
    await app.listen(0, '127.0.0.1');
    const replica = new Replica(app, await app.getUrl());
    replicas.push(replica);
    return replica;
  }

  async stop(): Promise<void> {
    this.closing ??= this.app.close();
    await this.closing;
  }
}

/** A tenant with everything that has a secret. */
interface Kept {
  tenant: TestTenant;
  spaceId: string;
  /** A JWT that is signed with the shared secret of an issuer. */
  token: string;
}
let kept: Kept;
let other: Kept;
const secrets: (Buffer | string)[] = [];

async function fill(replica: Replica): Promise<Kept> {
  const tenant = await replica.createTenant();
  const space = await replica.createSpace(tenant);
  const must = async (url: string, body?: Json) => await replica.expect(201, replica.post(url, tenant.key, body));
  await must('/v1/signing-keys');
  const { secret: ofWebhook } = await must('/v1/webhooks', { url: 'http://127.0.0.1:9/' });
  const clientSecret = randomBytes(24).toString('hex');
  await must('/v1/console-issuers', { name: 'Staff', issuer: 'http://127.0.0.1:9/', clientId: 'x', clientSecret });
  const secret = randomBytes(48).toString('base64url');
  await must('/v1/issuers', { issuer: `https://${tenant.slug}.shared`, audience: 'stagedoor', secret });
  const token = await new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setIssuer(`https://${tenant.slug}.shared`)
    .setAudience('stagedoor')
    .setSubject('shared-user')
    .setIssuedAt()
    .setExpirationTime('1 hour')
    .sign(Buffer.from(secret));
  secrets.push(secret, clientSecret, Buffer.from(String(ofWebhook).replace('whsec_', ''), 'base64'));
  return { tenant, spaceId: String(space['id']), token };
}

const join = (replica: HttpClient, { tenant, spaceId }: Kept) =>
  replica.once.post(`/v1/spaces/${spaceId}/join`, tenant.key, { userId: `user-${randomBytes(4).toString('hex')}` });

/** Everything that needs a secret works: an API key, the key that signs, the shared secret of an issuer. */
async function works(replica: HttpClient, one = kept): Promise<void> {
  const pass = await replica.expect(201, join(replica, one));
  expect(pass['stage']).toMatchObject({ mint: 'key-pair' });
  ivs.join(pass['stage'].token);
  await replica.expect(201, replica.post(`/v1/spaces/${one.spaceId}/join`, one.token, {}));
}

/** How many values each key has sealed. */
async function sealed(): Promise<Json> {
  const parts = counts.map((name) => `select * from ${name}()`).join(' union all ');
  const rows = await database.query(`select seal, sum(secrets)::int as secrets from (${parts}) s group by 1`);
  return Object.fromEntries(rows.map(({ seal, secrets: number }) => [String(seal), number]));
}

/** What the database has, as text. Bytes are hexadecimal. */
async function dump(): Promise<string> {
  const tables = await database.query(
    `select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')`,
  );
  const rows = await Promise.all(
    tables.map(({ relname }) => database.query(`select t::text as row from public."${String(relname)}" t`)),
  );
  return rows
    .flat()
    .map(({ row }) => String(row))
    .join('\n');
}

/** The forms in which a secret would be found in a text. */
function formsOf(secret: Buffer | string): string[] {
  const bytes = Buffer.from(secret);
  return [
    ...(typeof secret === 'string' ? [secret] : []),
    ...(['hex', 'base64', 'base64url'] as const).map((form) => bytes.toString(form)),
  ];
}

/** Two replicas with the first key: the second one has no data key in memory before a test needs one. */
let first: Replica;
let second: Replica;

test('a deployment begins with a key in AWS KMS: each tenant has a data key, and so has what no tenant owns', async () => {
  first = await Replica.start([a]);
  kept = await fill(first);
  other = await fill(first);
  await works(first);
  const headers = { 'idempotency-key': 'once' };
  const ban = { as: kept.tenant.key, headers, body: { userId: 'eve' } };
  await first.expect(201, first.request('POST', '/v1/bans', ban));
  expect(await sealed()).toEqual({ [idOf(a)]: 9 });
  const versions = await database.query('select distinct get_byte(private_key, 0) as version from signing_keys');
  expect(versions).toEqual([{ version: 3 }]);
  const keys = await database.query('select tenant_id from data_keys order by 1');
  const owners = ['deployment', kept.tenant.id, other.tenant.id];
  expect(keys.map(({ tenant_id: id }) => id as string)).toEqual(owners.toSorted());
  const noted = await database.query('select id, began, kms_key from master_keys');
  expect(noted).toEqual([{ id: idOf(a), began: false, kms_key: a }]);
  expect(new Set(kms.calls.map(({ tenant }) => tenant))).toEqual(new Set(owners));
  expect(await statesOf(client, [a], new Kms(kms.url))).toEqual([{ id: idOf(a), arn: a, state: 'seals', secrets: 9 }]);
});

test('the data key of a tenant opens nothing of another one, and AWS KMS decrypts it for its tenant alone', async () => {
  const [row] = await database.query('select data_key from data_keys where tenant_id = $1', [kept.tenant.id]);
  const dataKey = row?.['data_key'] as Buffer;
  const way = new Kms(kms.url);
  await expect(way.openDataKey(a, other.tenant.id, dataKey)).rejects.toThrow('InvalidCiphertextException');
  await expect(way.openDataKey(b, kept.tenant.id, dataKey)).rejects.toThrow('IncorrectKeyException');
  const [key] = await database.query('select id, private_key from signing_keys where tenant_id = $1', [kept.tenant.id]);
  const place = { tenantId: kept.tenant.id, column: 'signing_keys.private_key', id: String(key?.['id']) };
  const open = async (more: Json) =>
    await first.app.get(Secrets).open(key?.['private_key'] as Buffer, { ...place, ...more });
  expect((await open({})).length).toBeGreaterThan(48);
  await expect(open({ tenantId: other.tenant.id })).rejects.toThrow('unable to authenticate data');
  await expect(open({ id: 'sgk_other' })).rejects.toThrow('unable to authenticate data');
});

test('in another Region the replica of a multi-Region key opens the same', async () => {
  const there = kms.replicaOf(a, 'eu-central-1');
  const [one, two] = [
    await openKeyring(client, [a], false, new Kms(kms.url)),
    await openKeyring(client, [there], false, new Kms(kms.url)),
  ];
  expect(two.root).toEqual(one.root);
  expect(two.current).toBe(one.current);
});

test('a data key is asked for once: neither a vend nor a secret asks AWS KMS again, and its outage does no harm', async () => {
  await Promise.all([works(first), works(first), works(first)]);
  expect(kms.calls.filter(({ tenant }) => tenant === kept.tenant.id).length).toBeGreaterThan(0);
  kms.calls.length = 0;
  kms.outage = 'error';
  await works(first);
  await first.expect(201, first.post('/v1/webhooks', kept.tenant.key, { url: 'http://127.0.0.1:9/' }));
  expect(kms.calls).toEqual([]);
});

test('without a data key, what needs a secret gets 503 while AWS KMS is away; vends by IVS and bans go on', async () => {
  second = await Replica.start([a]);
  kms.outage = 'silence';
  const refused = await second.once.post(`/v1/spaces/${other.spaceId}/join`, other.token, {});
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(refused.body['detail']).toContain('AWS KMS does not answer');
  expect(refused.headers.get('retry-after')).toBe('2');
  kms.outage = 'error';
  const url = { url: 'http://127.0.0.1:9/' };
  expect(await second.once.post('/v1/webhooks', other.tenant.key, url)).toMatchObject({ status: 503 });
  // The signing key cannot be decrypted, so IVS makes the token.
  const pass = await second.expect(201, join(second, other));
  expect(pass['stage']).toMatchObject({ mint: 'ivs' });
  const headers = { 'idempotency-key': 'in-the-outage' };
  const ban = { as: other.tenant.key, headers, body: { userId: 'eve' } };
  const made = await second.expect(201, second.request('POST', '/v1/bans', ban));
  expect(await second.expect(201, second.request('POST', '/v1/bans', ban))).toEqual(made);
  const { text } = await second.get('/metrics');
  expect(text).toMatch(/^stagedoor_kms_call_duration_seconds_count\{operation="Decrypt",result="unavailable"\} [1-9]/m);
  kms.outage = 'none';
  kms.throttles = 1;
  await until(async () => (await join(second, other)).body['stage']?.mint === 'key-pair', 'the key is decrypted');
  await works(second, other);
  await second.expect(201, second.post('/v1/webhooks', other.tenant.key, url));
});

test('two replicas that need the first data key of a tenant at the same time get one', async () => {
  const both = [first, second];
  const tenant = await first.createTenant();
  let making = 0;
  kms.beforeAnswer = async (operation) => {
    if (operation !== 'GenerateDataKey') return;
    making += 1;
    await until(() => making >= both.length, 'both make a data key');
  };
  const secret = randomBytes(48).toString('base64url');
  const register = async (replica: Replica, name: string) => {
    const body = { issuer: `https://${name}.${tenant.slug}`, audience: 'x', secret };
    await replica.expect(201, replica.post('/v1/issuers', tenant.key, body));
  };
  await Promise.all([register(first, 'one'), register(second, 'two')]);
  const has = 'select id, secret from issuers where tenant_id = $1 and secret is not null';
  const rows = await database.query(has, [tenant.id]);
  expect(rows).toHaveLength(both.length);
  for (const { app } of both)
    for (const { id, secret: bytes } of rows) {
      const place = { tenantId: tenant.id, column: 'issuers.secret', id: String(id) };
      expect((await app.get(Secrets).open(bytes as Buffer, place)).toString()).toBe(secret);
    }
  // A data key that was lost in a failover is there again before something is sealed with it.
  await database.query('delete from data_keys where tenant_id = $1', [tenant.id]);
  await register(first, 'three');
  expect(await database.query('select from data_keys where tenant_id = $1', [tenant.id])).toHaveLength(1);
});

test('a key that is disabled is noticed: a start says so, and a replica forgets what it has in memory', async () => {
  const watch = first.app.get(KmsWatch);
  const makeWebhook = () => first.once.post('/v1/webhooks', kept.tenant.key, { url: 'http://127.0.0.1:9/' });
  kms.key(a).state = 'Disabled';
  await expect(watch.run()).rejects.toThrow(`AWS KMS refuses the key ${a} (DisabledException`);
  await first.expect(201, makeWebhook());
  await expect(watch.run()).rejects.toThrow('DisabledException');
  const refused = await makeWebhook();
  expect(refused).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(refused.body['detail']).toContain('AWS KMS refuses the key');
  await expect(Replica.start([a])).rejects.toThrow(/refuses the key .*DisabledException.*Enable the key/);
  kms.key(a).state = 'PendingDeletion';
  await expect(Replica.start([a])).rejects.toThrow('KMSInvalidStateException');
  kms.key(a).state = 'Enabled';
  await watch.run();
  await until(async () => (await makeWebhook()).status === 201, 'it works');
});

test('a start without the rights, without the key, or while AWS KMS is away says what is wrong', async () => {
  const fresh = kms.createKey();
  kms.key(fresh).denied.add('Decrypt');
  await expect(Replica.start([a, fresh])).rejects.toThrow(/AccessDeniedException.*kms:Decrypt.*allow the service/);
  kms.deleteKey(fresh);
  await expect(Replica.start([a, fresh])).rejects.toThrow('NotFoundException');
  await expect(Replica.start([own])).rejects.toThrow(`STAGEDOOR_MASTER_KEY lacks the key ${idOf(a)} (${a})`);
  kms.outage = 'error';
  await expect(Replica.start([a])).rejects.toThrow(`AWS KMS does not answer for the key ${a} (KMSInternalException`);
  kms.outage = 'none';
  // The database of a release that noted no master key needs the one that it had.
  const older = await createDatabase();
  await older.query(`insert into tenants (id, slug, name, region) values ('ten_x', 'x', 'x', 'us-east-1')`);
  await expect(Replica.start([a], older)).rejects.toThrow('The database is of a release that noted no master key.');
  // It goes on with a key in AWS KMS then: its root stays, and so does what it has sealed without naming a key.
  const way = new pg.Client({ connectionString: older.serviceUrl });
  await way.connect();
  const place = Buffer.from('a place');
  const before = (await openKeyring(way, [own], true)).sealFor(place, 'from before');
  const moved = await openKeyring(way, [a, own], true, new Kms(kms.url));
  expect(moved.root).toEqual(own);
  expect(moved.openFor(place, before).toString()).toBe('from before');
  expect([before[0], moved.sealFor(place, 'from now on')[0], moved.seal]).toEqual([1, 2, idOf(a)]);
  await way.end();
  await older.drop();
});

/** Seals all anew with the first one of two keys, until nothing needs the other one. Before, a start without that is refused. */
async function replace(by: Replica, old: MasterKey, fresh: MasterKey): Promise<void> {
  const resealing = by.app.get(Resealing);
  await resealing.runWhole();
  await database.query('delete from idempotency_keys'); // a day later
  await resealing.runWhole();
  await expect(Replica.start([fresh])).rejects.toThrow(`lacks the key ${idOf(old)}`);
  await database.query(`update master_keys set used_at = now() - interval '11 minutes' where id = '${idOf(old)}'`);
  await resealing.runWhole();
  await works(by);
  expect(Object.keys(await sealed())).toEqual([idOf(fresh)]);
  expect((await openKeyring(client, [fresh], true, new Kms(kms.url))).current).toBe(idOf(fresh));
}

test('one key in AWS KMS is replaced by another while the service runs', async () => {
  await Promise.all([first.stop(), second.stop()]);
  const before = await Replica.start([a, b]);
  await works(before);
  const replica = await Replica.start([b, a]);
  await replica.app.get(Resealing).runWhole();
  await works(replica);
  // Replicas that do not have it as the first one yet open what it has sealed, answers too.
  await works(before, other);
  const { id } = await replica.expect(
    201,
    replica.post('/v1/webhooks', kept.tenant.key, { url: 'http://127.0.0.1:9/' }),
  );
  await before.expect(200, before.post(`/v1/webhooks/${id}/rotate`, kept.tenant.key, { graceSeconds: 60 }));
  const headers = { 'idempotency-key': 'between' };
  const ban = { as: kept.tenant.key, headers, body: { userId: 'mal' } };
  const made = await replica.expect(201, replica.request('POST', '/v1/bans', ban));
  const again = await before.expect(201, before.request('POST', '/v1/bans', ban));
  expect(again['ban']).toMatchObject({ id: made['ban'].id });
  await before.stop();
  await replace(replica, a, b);
  await replica.stop();
});

test('from AWS KMS to a key in the environment, and back: a kill in the middle loses nothing', async () => {
  const moving = await Replica.start([own, b]);
  await replace(moving, b, own);
  await moving.stop();

  // Back, in a process. It is killed while it waits for the data key of the second tenant.
  const beside = await Replica.start([own, a]);
  await database.query('delete from data_keys where master_key = $1 and tenant_id != $2', [idOf(a), 'deployment']);
  let made = 0;
  const { promise: killed, resolve: release } = Promise.withResolvers<void>();
  kms.beforeAnswer = async (operation, tenant) => {
    if (operation === 'GenerateDataKey' && tenant !== 'deployment' && ++made > 1) await killed;
  };
  const env = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', LOG_LEVEL: 'trace' };
  const service = ServiceProcess.start('dist/main.js', { ...environment(database, [a, own]), ...env });
  await until(() => made > 1, 'it seals anew');
  service.kill();
  await service.ended;
  release();
  kms.beforeAnswer = () => Promise.resolve();
  expect(new Set(Object.keys(await sealed()))).toEqual(new Set([idOf(a), idOf(own)]));
  await works(beside);
  await works(beside, other);
  await beside.stop();
  first = await Replica.start([a, own]);
  await replace(first, own, a);
  await works(first, other);

  // What follows from the root is as before: the audit log, the journal, pseudonyms.
  const { root } = await openKeyring(client, [a], false, new Kms(kms.url));
  const key = publicHalf(first.app.get(Secrets).auditKey);
  for await (const { fault } of verifyAudit(client, key)) expect(fault).toBeUndefined();
  const command = ServiceProcess.start('dist/secrets/master-keys.js', { ...environment(database, [a, b]), ...env });
  expect(await command.ended).toBe(0);
  expect(command.output).toMatch(/^.{8} \(arn:.*\): \d+ sealed, seals\n.{8} \(arn:.*\): 0 sealed, not needed/);

  // Nothing of it is in the database or the log in clear.
  const texts = [await dump(), service.output];
  expect(texts[1]).toContain('"level"');
  const found = [...kms.dataKeys, root, own, ...secrets].filter((secret) =>
    formsOf(secret).some((form) => texts.some((text) => text.includes(form))),
  );
  expect(found).toEqual([]);
}, 300_000);

test('a data key is decrypted again while it is used, is used while AWS KMS is away, and is forgotten after half a day', async () => {
  const hour = 3_600_000;
  let now = 1;
  let ended = 0;
  const way = new Kms(kms.url, () => (ended += 1));
  const keys = new DataKeys(first.app.get(CredentialDatabase), way, () => now);
  const open = async () => await keys.opening({ id: idOf(a), arn: a }, kept.tenant.id);
  await Promise.all([open(), open(), open()]);
  expect(ended).toBe(1);
  now += 3 * hour;
  await open();
  expect(ended).toBe(1);
  now += 2 * hour;
  await Promise.all([open(), open()]);
  await until(() => ended === 2, 'it is decrypted again');
  await new Promise(setImmediate);
  kms.outage = 'error';
  now += 11 * hour;
  await Promise.all([open(), open()]);
  await until(() => ended === 3, 'it could not be decrypted again');
  await new Promise(setImmediate);
  now += 2 * hour;
  await expect(open()).rejects.toThrow('AWS KMS does not answer');
  await expect(open()).rejects.toThrow('AWS KMS does not answer');
  expect(ended).toBe(4); // a failure is the answer for a second
  kms.outage = 'none';
  now += 1_001;
  await open();
});
