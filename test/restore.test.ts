/**
 * The drill of the bad day: a backup, then bans and revocations, then the loss of the database. The backup is restored as
 * docs/operations/restore.md says, on a new server, and nobody comes back.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Emulator } from '../emulator/src/emulator.ts';
import { createApp } from '../src/app.ts';
import { Settings } from '../src/config.ts';
import { IdleKeySweeper } from '../src/signing-keys/idle-key-sweeper.ts';
import { onStage } from './support/chat.ts';
import type { TestDatabase } from './support/database.ts';
import { startEmulator } from './support/emulator.ts';
import { BackedUpPostgres, postgresFolder } from './support/postgres-tools.ts';
import { KmsServer } from './support/kms-server.ts';
import { S3Server } from './support/s3-server.ts';
import { ServiceProcess } from './support/service-process.ts';
import { build } from './support/shared.ts';
import { HttpClient, type Json, Stagedoor, started, type TestTenant } from './support/stagedoor.ts';
import { until } from './support/until.ts';

const root = path.resolve(import.meta.dirname, '..');
/** Of AWS KMS, which a restore needs as the service does. */
let masterKey: string;

let bucket: S3Server;
let kms: KmsServer;
let ivs: Emulator;
let folder: string;
const servers: BackedUpPostgres[] = [];

beforeAll(async () => {
  [bucket, kms, ivs] = await Promise.all([S3Server.start(), KmsServer.start(), startEmulator({}), build()]);
  masterKey = kms.createKey();
  folder = mkdtempSync(path.join(tmpdir(), 'backup-'));
}, 300_000);

afterAll(async () => {
  await Promise.all(servers.map((server) => server.stop()));
  await ivs.stop();
  await Promise.all([bucket.stop(), kms.stop()]);
  rmSync(folder, { recursive: true });
});

const journal = () => ({
  STAGEDOOR_MASTER_KEY: masterKey,
  KMS_ENDPOINT: kms.url,
  JOURNAL_URL: 's3://journal/drill',
  JOURNAL_ENDPOINT: bucket.url,
});

/** The service on a database, as a replica of the deployment. */
class Replica extends HttpClient {
  private constructor(
    private readonly app: NestFastifyApplication,
    url: string,
    readonly database: TestDatabase,
  ) {
    super(url);
  }

  static async start(database: TestDatabase): Promise<Replica> {
    const settings = Settings.from(Stagedoor.environment(ivs, database, journal()));
    const app = await started(() => createApp(settings));
    await app.listen(0, '127.0.0.1');
    return new Replica(app, await app.getUrl(), database);
  }

  async stop(): Promise<void> {
    await this.app.close();
  }

  /** Lets IVS delete the signing keys that are to be deleted. */
  async sweepKeys(): Promise<void> {
    await this.app.get(IdleKeySweeper).run();
  }

  /** Waits until the journal has everything. */
  async isStored(): Promise<void> {
    await until(async () => {
      const [{ left } = {}] = await this.database.query('select count(*)::int as left from journal_entries');
      return left === 0;
    }, 'the journal has everything');
  }
}

/** A replay as an operator runs it. */
function restoring(database: TestDatabase): ServiceProcess {
  return ServiceProcess.start('dist/journal/restore.js', {
    DATABASE_URL: database.serviceUrl,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...journal(),
  });
}

// CI has it: there it must not be skipped.
const drill = postgresFolder !== undefined || process.env['CI'] === 'true' ? test : test.skip;

drill(
  'after a restore from an older backup nobody comes back, and no token is vended before the journal is replayed',
  async () => {
    const old = await BackedUpPostgres.start();
    servers.push(old);
    const before = await Replica.start(await old.migrated());
    const { operatorToken: operator } = HttpClient;
    const tenant = await before.createTenant();
    const other = await before.createTenant();
    const as = tenant.key;
    const must = async (status: number, method: string, url: string, body?: Json, key = as) =>
      await before.expect(status, before.request(method, url, { as: key, ...(body && { body }) }));
    const space = await before.createSpace(tenant);
    const there = `/v1/spaces/${space['id']}`;
    const join = async (service: HttpClient, userId: string, of: TestTenant = tenant) =>
      await service.post(`${there}/join`, of.key, { userId });
    const passOf = async (userId: string) => await before.expect(201, join(before, userId));
    const newKey = async () => await must(201, 'POST', '/v1/api-keys', { name: 'x', scopes: ['*'] });

    // What the backup has: people who are inside or have tokens, keys, issuers, and a ban.
    const signingKey = await must(201, 'POST', '/v1/signing-keys');
    await must(201, 'POST', '/v1/signing-keys/rotate');
    const [revoked, rotated] = [await newKey(), await newKey()];
    const webhook = await must(201, 'POST', '/v1/webhooks', { url: 'http://127.0.0.1:9/' });
    const provider = { name: 'Staff', issuer: 'http://127.0.0.1:9/', clientId: 'staff' };
    const { id: issuerId } = await must(201, 'POST', '/v1/console-issuers', provider);
    await must(200, 'PUT', '/v1/console-users/boss', { issuerId, role: 'admin' });
    const { data: issuers } = await must(200, 'GET', '/v1/issuers');
    await must(200, 'PUT', `${there}/members/demoted`, { role: 'host' });
    for (const user of ['ann', 'carl', 'demoted']) await passOf(user);
    const { ban: lifted } = await must(201, 'POST', '/v1/bans', { userId: 'ben' });
    const session = await before.request('POST', '/console/session', { body: { credential: rotated['key'] } });
    const cookie = session.headers.get('set-cookie')?.split(';')[0] ?? '';
    expect((await before.request('GET', '/console/session', { headers: { cookie } })).status).toBe(200);
    await before.isStored();

    const backup = path.join(folder, 'stagedoor.dump');
    await old.run('pg_dump', '--format=custom', `--file=${backup}`);
    const roles = path.join(folder, 'roles.sql');
    const ofSuperuser = /ROLE postgres\b/; // the new server has its own
    const statements = (await old.run('pg_dumpall', '--roles-only')).split('\n');
    writeFileSync(roles, statements.filter((line) => !ofSuperuser.test(line)).join('\n'));

    // What comes after the backup. Eve gets a token after it, and does not come in yet.
    const eve = await passOf('eve');
    const isInside = () => onStage({ ivs }, space['stage'].arn).includes(eve['stage'].participantId);
    for (const userId of ['ann', 'eve']) await must(201, 'POST', '/v1/bans', { userId, reason: 'spam' });
    await before.isStored(); // what follows is in another part
    await must(200, 'DELETE', `/v1/bans/${lifted.id}`);
    await must(202, 'POST', '/v1/users/carl/revoke', {});
    await must(204, 'DELETE', `/v1/api-keys/${revoked['id']}`);
    await must(201, 'POST', `/v1/api-keys/${rotated['id']}/rotate`, { graceSeconds: 0 });
    await must(200, 'PUT', `${there}/members/demoted`, { role: 'viewer' });
    await must(204, 'DELETE', `/v1/console-users/boss`);
    await must(204, 'DELETE', `/v1/webhooks/${webhook['id']}`);
    await must(204, 'DELETE', `/v1/issuers/${issuers[0].id}`);
    await must(204, 'DELETE', `/v1/signing-keys/${signingKey['id']}`);
    await must(200, 'PATCH', `/v1/tenants/${other.id}`, { status: 'suspended' }, operator);
    await before.isStored();
    await before.stop();
    await old.stop();
    servers.length = 0;

    // The server is lost. A new one gets the roles and the backup.
    const fresh = await BackedUpPostgres.start();
    servers.push(fresh);
    await fresh.run('psql', '--quiet', '--set=ON_ERROR_STOP=1', `--file=${roles}`);
    await fresh.createEmpty();
    await fresh.run('pg_restore', backup);
    const database = fresh.database();
    const command = async (file: string, env: Record<string, string>) =>
      (await promisify(execFile)(process.execPath, [path.join(root, file)], { env: { ...process.env, ...env } }))
        .stdout;
    await command('dist/database/migrate.js', { DATABASE_OWNER_URL: database.ownerUrl });
    const verify = () => command('dist/audit/verify.js', { DATABASE_URL: database.serviceUrl, ...journal() });
    expect(await verify()).toContain(': holds, ');
    const after = await Replica.start(database);
    try {
      const ready = await after.get('/health/ready');
      expect(ready).toMatchObject({
        status: 503,
        body: { details: { journal: { message: expect.stringContaining('older than its journal') } } },
      });
      for (const answer of [
        await after.once.post(`${there}/join`, as, { userId: 'ann' }),
        await after.once.get('/v1/bans', revoked['key']),
      ])
        expect(answer).toMatchObject({
          status: 503,
          body: { code: 'unavailable', detail: expect.stringContaining('docs/operations/restore.md') },
        });

      // The command dies in the middle of the second part: it waits there for a user whom somebody else has locked.
      const superuser = database.query(
        `begin; select lock_user('${tenant.id}', 'carl', true); select pg_sleep(600); commit`,
      );
      superuser.catch(() => undefined);
      const sleeps = `select pid from pg_stat_activity where wait_event = 'PgSleep'`;
      await until(async () => (await database.query(sleeps)).length === 1, 'carl is locked');
      const dying = restoring(database);
      const isWaiting = `select from pg_stat_activity where wait_event_type = 'Lock' and query like '%replay_entry%'`;
      await until(async () => (await database.query(isWaiting)).length === 1, 'the command is in the middle of a part');
      dying.kill();
      await dying.ended;
      await database.query(`select pg_terminate_backend(pid) from (${sleeps}) as s`);
      const [{ position } = {}] = await database.query('select position::int from journal_state');
      expect(position).toBeGreaterThan(0);
      expect(await after.once.post(`${there}/join`, as, { userId: 'ann' })).toMatchObject({ status: 503 });

      const again = restoring(database);
      expect({ code: await again.ended, output: again.output }).toMatchObject({
        code: 0,
        output: expect.stringMatching(/part \d+: .*\nThe database is as new as its journal/),
      });
      const idle = restoring(database);
      expect(await idle.ended).toBe(0);
      expect(idle.output).toBe('The database is as new as its journal. Parts replayed: 0\n');
      await until(async () => (await after.get('/health/ready')).status === 200, 'the replica is ready');

      // Nobody comes back, and who may come in does.
      for (const user of ['ann', 'eve'])
        expect(await join(after, user)).toMatchObject({ status: 403, body: { code: 'banned' } });
      expect(await join(after, 'ben')).toMatchObject({ status: 201 });
      for (const { key } of [revoked, rotated]) expect((await after.get('/v1/bans', key)).status).toBe(401);
      expect((await after.request('GET', '/console/session', { headers: { cookie } })).status).toBe(401);
      const found = async (url: string) => await after.expect(200, after.get(url, as));
      expect((await found('/v1/console-users'))['data']).toEqual([]);
      expect((await found('/v1/webhooks'))['data']).toEqual([]);
      expect((await found('/v1/issuers'))['data']).toEqual([]);
      const keyIds = async () => ((await found('/v1/signing-keys'))['data'] as Json[]).map(({ id }) => id as string);
      await after.sweepKeys(); // it comes once a minute by itself
      await until(async () => !(await keyIds()).includes(signingKey['id']), 'the signing key is gone');
      expect((await found(`${there}/members`))['data']).toMatchObject([{ userId: 'demoted', role: 'viewer' }]);
      expect((await after.get(`/v1/tenants/${other.id}`, operator)).body).toMatchObject({ status: 'suspended' });
      const { data: actions } = await found('/v1/actions?userId=carl');
      expect(actions).toMatchObject([{ kind: 'grants.revoke' }]);

      // The ledger knows Eve's token again, so the watch puts out whoever comes in with it.
      ivs.join(eve['stage'].token);
      expect(isInside()).toBe(true);
      await until(() => !isInside(), 'eve is put out');

      // The audit log tells what was replayed, and the journal goes on.
      const { data: entries } = await found('/v1/audit?action=journal.replay&limit=100');
      expect(new Set((entries as Json[]).map(({ details }) => details.action as string))).toEqual(
        new Set([
          'ban.create',
          'ban.lift',
          'grants.revoke',
          'apiKey.revoke',
          'apiKey.rotate',
          'member.put',
          'consoleUser.delete',
          'webhook.delete',
          'issuer.delete',
          'signingKey.delete',
        ]),
      );
      const parts = bucket.objects.size;
      await after.expect(201, after.post('/v1/bans', as, { userId: 'fay' }));
      await until(() => bucket.objects.size > parts, 'the new ban is in the journal');
    } finally {
      await after.stop();
    }
    expect(await verify()).not.toContain('BROKEN');
  },
);
