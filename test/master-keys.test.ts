/** The master key is replaced by another one while the service runs, and the old one is removed when nothing needs it. */
import { randomBytes } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { SignJWT } from 'jose';
import pg from 'pg';
import type { Emulator } from '../emulator/src/emulator.ts';
import { createApp } from '../src/app.ts';
import { verifyAudit } from '../src/audit/verify.ts';
import { Settings } from '../src/config.ts';
import { sealedSecrets as ofConsole } from '../src/console/sealed-secrets.ts';
import { sealedSecrets as ofIssuers } from '../src/issuers/sealed-secrets.ts';
import { sealedKeys } from '../src/signing-keys/sealed-keys.ts';
import { sealedSecrets as ofWebhooks } from '../src/webhooks/sealed-secrets.ts';
import { idOf, Keyring } from '../src/secrets/keyring.ts';
import { openKeyring } from '../src/secrets/open-keyring.ts';
import { publicHalf } from '../src/secrets/audit-key.ts';
import { counts, statesOf } from '../src/secrets/master-keys.ts';
import { Resealing } from '../src/secrets/resealing.ts';
import { SealedColumns } from '../src/secrets/sealed-columns.ts';
import { Secrets } from '../src/secrets/secrets.ts';
import { createDatabase, type TestDatabase } from './support/database.ts';
import { startEmulator } from './support/emulator.ts';
import { HttpClient, type Json, Stagedoor, started, type TestTenant } from './support/stagedoor.ts';

const [a, b, c] = [randomBytes(32), randomBytes(32), randomBytes(32)] as const;
const setting = (...keys: Buffer[]) => keys.map((key) => key.toString('base64')).join(',');

let ivs: Emulator;
let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  [ivs, database] = await Promise.all([startEmulator({}), createDatabase()]);
  client = new pg.Client({ connectionString: database.serviceUrl });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await ivs.stop();
  await database.drop();
});

/** A replica with these master keys. */
class Replica extends HttpClient {
  private constructor(
    readonly app: NestFastifyApplication,
    url: string,
  ) {
    super(url);
  }

  static async start(...keys: Buffer[]): Promise<Replica> {
    const env = Stagedoor.environment(ivs, database, { STAGEDOOR_MASTER_KEY: setting(...keys) });
    const app = await started(() => createApp(Settings.from(env)));
    // It would seal anew by itself in the middle of a test.
    await app.get(Resealing).beforeApplicationShutdown();
    await app.listen(0, '127.0.0.1');
    return new Replica(app, await app.getUrl());
  }

  async stop(): Promise<void> {
    await this.app.close();
  }
}

/** Runs with a replica with these keys, and stops it. */
async function withKeys<T>(keys: Buffer[], work: (replica: Replica) => Promise<T>): Promise<T> {
  const replica = await Replica.start(...keys);
  try {
    return await work(replica);
  } finally {
    await replica.stop();
  }
}

/** How many values each key has sealed. */
async function sealed(): Promise<Json> {
  const parts = counts.map((name) => `select * from ${name}()`).join(' union all ');
  const rows = await database.query(
    `select case seal when 'unnamed' then '${idOf(a)}' else seal end as id, sum(secrets)::int as secrets from (${parts}) s group by 1`,
  );
  return Object.fromEntries(rows.map(({ id, secrets }) => [String(id), secrets]));
}

let tenant: TestTenant;
let space: Json;
let token: string;

/** Everything that needs a secret works: an API key, the key that signs, the shared secret of an issuer, the log. */
async function works(replica: Replica): Promise<void> {
  const join = `/v1/spaces/${space['id']}/join`;
  const pass = await replica.expect(
    201,
    replica.post(join, tenant.key, { userId: `user-${randomBytes(4).toString('hex')}` }),
  );
  expect(pass['stage']).toMatchObject({ mint: 'key-pair' });
  ivs.join(pass['stage'].token);
  await replica.expect(201, replica.post(join, token, {}));
}

test('a fresh database begins with one key, and a wrong setting is refused before anything is served', async () => {
  const empty = await createDatabase();
  const start = async (...keys: Buffer[]) =>
    await started(() =>
      createApp(Settings.from(Stagedoor.environment(ivs, empty, { STAGEDOOR_MASTER_KEY: setting(...keys) }))),
    );
  await expect(start(a, b)).rejects.toThrow('Start the service once with that key alone.');
  await (await start(a)).close();
  await expect(start(b)).rejects.toThrow(`STAGEDOOR_MASTER_KEY lacks the key ${idOf(a)}`);
  await (await start(b, a)).close();
  await expect(start(a)).rejects.toThrow(`lacks the key ${idOf(b)}`);
  await empty.drop();
});

test('the key that the deployment began with seals as builds before did', async () => {
  await withKeys([a], async (replica) => {
    tenant = await replica.createTenant();
    space = await replica.createSpace(tenant);
    const must = async (url: string, body?: Json) => await replica.expect(201, replica.post(url, tenant.key, body));
    await must('/v1/signing-keys');
    await must('/v1/webhooks', { url: 'http://127.0.0.1:9/' });
    await must('/v1/console-issuers', {
      name: 'Staff',
      issuer: 'http://127.0.0.1:9/',
      clientId: 'x',
      clientSecret: 'secret of the client',
    });
    const secret = randomBytes(48).toString('base64url');
    await must('/v1/issuers', { issuer: 'https://shared.example', audience: 'stagedoor', secret });
    token = await new SignJWT({})
      .setProtectedHeader({ alg: 'HS256' })
      .setIssuer('https://shared.example')
      .setAudience('stagedoor')
      .setSubject('shared-user')
      .setIssuedAt()
      .setExpirationTime('1 hour')
      .sign(Buffer.from(secret));
    const headers = { 'idempotency-key': 'once' };
    await replica.expect(
      201,
      replica.request('POST', '/v1/bans', { as: tenant.key, headers, body: { userId: 'eve' } }),
    );
    await works(replica);
  });
  expect(await sealed()).toEqual({ [idOf(a)]: 5 });
  const [row] = await database.query('select get_byte(private_key, 0) as version from signing_keys');
  expect(row).toEqual({ version: 1 });
});

test('a database of a build that noted no key is not served with a wrong one, and does not note it', async () => {
  const noted = await database.query('delete from master_keys returning id');
  expect(noted).toEqual([{ id: idOf(a) }]);
  await expect(Replica.start(b)).rejects.toThrow(
    'STAGEDOOR_MASTER_KEY is not the key with which the secrets of this database are sealed.',
  );
  await withKeys([a], works);
  expect(await database.query('select id, began from master_keys')).toEqual([{ id: idOf(a), began: true }]);
});

test('a second key opens nothing yet, and does no harm: so all replicas get it before one seals with it', async () => {
  await withKeys([a, b], works);
  expect(await sealed()).toEqual({ [idOf(a)]: 5 });
  expect(await statesOf(client, [a, b])).toEqual([
    { id: idOf(a), state: 'seals', secrets: 5 },
    { id: idOf(b), state: 'spare', secrets: 0 },
  ]);
});

test('the first key seals, what others have sealed is sealed anew in steps, and a crash in between does no harm', async () => {
  await withKeys([b, a], async (replica) => {
    const { app } = replica;
    await works(replica);
    const { id } = await replica.expect(201, replica.post('/v1/webhooks', tenant.key, { url: 'http://127.0.0.1:9/' }));
    expect(await sealed()).toEqual({ [idOf(a)]: 5, [idOf(b)]: 1 });
    // The replica dies after the first step.
    const secrets = app.get(Secrets);
    const steps = app
      .get(SealedColumns)
      .resealAll(app.get(Keyring).seal, async ({ sealed: old }, place) =>
        Uint8Array.from(await secrets.seal(await secrets.open(old, place), place)),
      );
    await steps.next();
    await steps.return(undefined);
    expect((await sealed())[idOf(a)]).toBe(4);
    await works(replica);
    // Two replicas do the rest at once. Of a value that both read, one replaces it.
    const resealing = app.get(Resealing);
    await Promise.all([resealing.runWhole(), resealing.runWhole()]);
    // The answer that is kept for a repeated request ends by itself.
    expect(await sealed()).toEqual({ [idOf(a)]: 1, [idOf(b)]: 5 });
    await works(replica);
    const { text } = await replica.get('/metrics');
    expect(text).toMatch(/^stagedoor_secrets_of_old_keys 1$/m);
    await replica.expect(200, replica.post(`/v1/webhooks/${id}/rotate`, tenant.key, { graceSeconds: 60 }));
    const headers = { 'idempotency-key': 'once' };
    await replica.expect(
      201,
      replica.request('POST', '/v1/bans', { as: tenant.key, headers, body: { userId: 'eve' } }),
    );
  });
  // Replicas that do not have it as the first one yet open what it has sealed.
  await withKeys([a, b], works);
});

test('the old key is removable when nothing needs it, and a start without it is refused before', async () => {
  await expect(Replica.start(b)).rejects.toThrow(
    `STAGEDOOR_MASTER_KEY lacks the key ${idOf(a)}, with which secrets in the database are sealed. It has ${idOf(b)}.`,
  );
  await withKeys([b, a], async ({ app }) => {
    const resealing = app.get(Resealing);
    await resealing.runWhole();
    expect(await statesOf(client, [b, a])).toMatchObject([{ state: 'seals' }, { state: 'needed', secrets: 1 }]);
    // A day later the kept answers are gone. But a replica has had the old key as its first one a moment ago.
    await database.query('delete from idempotency_keys');
    await resealing.runWhole();
    expect(await statesOf(client, [b, a])).toMatchObject([{ state: 'seals' }, { state: 'needed', secrets: 0 }]);
    await expect(Replica.start(b)).rejects.toThrow(`lacks the key ${idOf(a)}`);
    await database.query(`update master_keys set used_at = now() - interval '11 minutes' where id = '${idOf(a)}'`);
    await resealing.runWhole();
    expect(await statesOf(client, [b, a])).toMatchObject([{ state: 'seals' }, { id: idOf(a), state: 'spare' }]);
  });
  await withKeys([b], async (replica) => {
    await works(replica);
    // What follows from the root is as before: the checkpoints of the audit log, the journal, pseudonyms.
    expect((await openKeyring(client, [b], false)).root).toEqual(a);
    const key = publicHalf(replica.app.get(Secrets).auditKey);
    for await (const { fault } of verifyAudit(client, key)) expect(fault).toBeUndefined();
  });
  await expect(Replica.start(a)).rejects.toThrow(`lacks the key ${idOf(b)}`);
});

test('a key can be replaced again', async () => {
  await withKeys([c, b], async (replica) => {
    await replica.app.get(Resealing).runWhole();
    await works(replica);
  });
  expect(Object.keys(await sealed())).toEqual([idOf(c)]);
});

test('a secret that cannot be opened holds up no other one', async () => {
  await database.query(`update webhooks set secret = set_byte(secret, 40, 1 - get_byte(secret, 40) / 255)`);
  await withKeys([a, c, b], async ({ app }) => {
    await app.get(Resealing).runWhole();
  });
  const rows = await database.query(
    `select seal_of(private_key) as seal from signing_keys union all select seal_of(secret) from issuers where secret is not null`,
  );
  expect(new Set(rows.map(({ seal }) => seal as string))).toEqual(new Set([idOf(a)]));
});

test('every column of sealed values is sealed anew, but answers, which end by themselves', () => {
  const files = globSync('src/**/*.ts', { cwd: path.resolve(import.meta.dirname, '..') });
  const found = files.flatMap((file) => [
    ...readFileSync(path.resolve(import.meta.dirname, '..', file), 'utf8').matchAll(/column: '(\w+\.\w+)'/g),
  ]);
  const columns = [ofConsole, ofIssuers, ofWebhooks, sealedKeys];
  expect(new Set(found.map(([, column]) => column))).toEqual(
    new Set(['idempotency_keys.answer', ...columns.map(({ column }) => column)]),
  );
  expect(new Set(counts)).toEqual(new Set(['seals_of_answers', ...columns.map((one) => one.counts)]));
});
