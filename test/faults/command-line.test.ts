import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Emulator } from '../../emulator/src/index.ts';
import { asSuperuser, createDatabase, type TestDatabase } from '../support/database.ts';
import { freePort, readOnlyRoot, ServiceProcess } from '../support/service-process.ts';
import { build } from '../support/shared.ts';
import { type Json, Stagedoor } from '../support/stagedoor.ts';
import { until } from '../support/until.ts';

const { operatorToken } = Stagedoor;
let database: TestDatabase;
const running: ServiceProcess[] = [];

beforeAll(build, 300_000);
beforeAll(async () => {
  database = await createDatabase();
});

afterAll(async () => {
  for (const service of running) service.kill();
  await Promise.all(running.map(({ ended }) => ended));
  await database.drop();
});

function start(
  script: string,
  env: Record<string, string>,
  args: string[] = [],
  before: string[] = [],
): ServiceProcess {
  const service = ServiceProcess.start(script, env, args, before);
  running.push(service);
  return service;
}

function environment(port: number, more: Record<string, string> = {}): Record<string, string> {
  return {
    PORT: String(port),
    HOST: '127.0.0.1',
    SHUTDOWN_DRAIN_SECONDS: '1',
    DATABASE_URL: database.serviceUrl,
    STAGEDOOR_OPERATOR_TOKEN: operatorToken,
    STAGEDOOR_MASTER_KEY: randomBytes(32).toString('base64'),
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...more,
  };
}

async function call(url: string, as: string, body: Json): Promise<Json> {
  const headers = { authorization: `Bearer ${as}`, 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  const answer = (await response.json()) as Json;
  if (response.status !== 201) throw new Error(JSON.stringify(answer));
  return answer;
}

describe('settings that are wrong', () => {
  it('are named all at once, without their values, and end the service', async () => {
    const service = start('dist/main.js', {
      PORT: '70000',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'mysql://root:hunter2@db/x',
      STAGEDOOR_OPERATOR_TOKEN: 'too-short-a-secret',
      STAGEDOOR_MASTER_KEY: 'not-a-key',
      IVS_ENDPOINT: 'ftp://x',
      TRUSTED_PROXIES: 'banana',
      VENDS_PER_USER_PER_MINUTE: '0',
      METRICS_PORT: 'x',
    });
    expect(await service.ended).toBe(1);
    const named = [
      'PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'STAGEDOOR_OPERATOR_TOKEN',
      'STAGEDOOR_MASTER_KEY',
      'AWS_REGION',
    ];
    for (const name of [...named, 'IVS_ENDPOINT', 'TRUSTED_PROXIES', 'VENDS_PER_USER_PER_MINUTE', 'METRICS_PORT']) {
      expect(service.output).toMatch(new RegExp(`^ +${name} `, 'm'));
    }
    expect(service.output).not.toMatch(/hunter2|too-short-a-secret|not-a-key|\bat .*:\d+/);
  });

  it('of an empty environment are the required ones', async () => {
    const service = start('dist/main.js', {}, ['--migrate']);
    expect(await service.ended).toBe(1);
    const required = [
      'DATABASE_URL',
      'DATABASE_OWNER_URL',
      'STAGEDOOR_OPERATOR_TOKEN',
      'STAGEDOOR_MASTER_KEY',
      'AWS_REGION',
    ];
    for (const name of required) expect(service.output).toContain(`${name} is required`);
  });

  it.each<[string, (db: TestDatabase) => Record<string, string>, RegExp]>([
    ['a database role that owns the tables', (db) => ({ DATABASE_URL: db.ownerUrl }), /owns the table/],
    ['a superuser', (db) => ({ DATABASE_URL: db.superuserUrl }), /bypass row-level security/],
    ['a database that does not answer', () => ({ DATABASE_URL: 'postgresql://a:b@127.0.0.1:1/x' }), /./],
  ])('such as %s end it with one line that says so', async (_what, env, message) => {
    const service = start('dist/main.js', environment(0, { LOG_LEVEL: 'silent', ...env(database) }));
    expect(await service.ended).toBe(1);
    expect(service.output.trim().split('\n')).toHaveLength(1);
    expect(service.output).toMatch(message);
  });
});

describe.each([
  ['dist/main.js', 1, '--migrate'],
  ['dist/database/migrate.js', 1, 'no options'],
  ['dist/journal/restore.js', 2, '--give-up'],
  ['dist/audit/verify.js', 2, 'no options'],
  ['dist/audit/export.js', 2, '--tenant, --after, --to'],
  ['dist/secrets/master-keys.js', 2, 'no options'],
])('%s', (script, code, taken) => {
  // Before, `--help` made the one migrate, and a misspelled --migrate made the other serve without migrating.
  it.each(['--migrat', 'help'])('does nothing for %s, which it does not know, and says what it takes', async (arg) => {
    const urls = { DATABASE_URL: database.serviceUrl, DATABASE_OWNER_URL: database.ownerUrl };
    const command = start(script, environment(0, urls), [arg]);
    expect(await command.ended).toBe(code);
    expect(command.output).toContain(arg);
    expect(command.output).toContain(taken);
    expect(command.output.trim().split('\n')).toHaveLength(1);
  });

  // Such a command was loaded, ended with 0, and had done nothing.
  it('does its work through a symbolic link, as to the current release', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-current-'));
    try {
      const current = path.join(folder, 'current');
      symlinkSync(path.resolve(import.meta.dirname, '../..'), current);
      const command = start(path.join(current, script), {});
      expect(await command.ended).toBe(code);
      expect(command.output).toContain('is required');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

it('migrates when told to, vends with an emulator started alone, and stops on SIGTERM with nothing lost', async () => {
  const name = `stagedoor_${randomUUID().replaceAll('-', '')}`;
  const owner = decodeURIComponent(new URL(database.ownerUrl).username);
  await asSuperuser('postgres', (client) => client.query(`create database ${name} owner ${owner}`));
  const inNew = (url: string) => Object.assign(new URL(url), { pathname: `/${name}` }).href;
  const [port, metricsPort, ivsPort] = [await freePort(), await freePort(), await freePort()];
  try {
    const ivs = start('emulator/dist/bin.js', {}, ['--port', String(ivsPort)]);
    await ivs.answers(`http://127.0.0.1:${ivsPort}/_emulator/health`);
    const service = start(
      'dist/main.js',
      environment(port, {
        DATABASE_URL: inNew(database.serviceUrl),
        DATABASE_OWNER_URL: inNew(database.ownerUrl),
        IVS_ENDPOINT: `http://127.0.0.1:${ivsPort}`,
        METRICS_PORT: String(metricsPort),
        VENDS_PER_USER_PER_MINUTE: '10000',
      }),
      ['--migrate'],
      readOnlyRoot(), // as in a container whose root file system is read-only
    );
    const url = `http://127.0.0.1:${port}`;
    await service.answers(`${url}/health/ready`);
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
    expect(await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text()).toContain('stagedoor_vends_total');

    const { id } = await call(`${url}/v1/tenants`, operatorToken, { slug: 'acme', name: 'Acme' });
    const { key } = await call(`${url}/v1/tenants/${id}/api-keys`, operatorToken, { name: 'k', scopes: ['*'] });
    const space = await call(`${url}/v1/spaces`, key, { name: 'Main', defaultRole: 'viewer' });
    await call(`${url}/v1/signing-keys`, key, {});

    let stopped = false;
    const done: number[] = [];
    const load = Array.from({ length: 8 }, async (_, i) => {
      for (;;) {
        const response = await fetch(`${url}/v1/spaces/${space['id']}/stage-tokens`, {
          method: 'POST',
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
          body: JSON.stringify({ userId: `u${i}` }),
        }).catch((error: Error) => ({
          status: 0,
          text: async () => (error.cause as Error | undefined)?.message ?? error.message,
        }));
        if (response.status === 0 && stopped && /ECONNREFUSED|other side closed|ECONNRESET/.test(await response.text()))
          return;
        await response.text();
        done.push(response.status);
        if (stopped && response.status !== 201) return;
      }
    });
    await until(() => done.length > 16, 'vends are under way');
    stopped = true;
    const told = performance.now();
    service.kill('SIGTERM');
    expect(await service.ended).toBe(0);
    // Orchestrators give a process thirty seconds; one that waited for its idle connections would take a minute.
    expect(performance.now() - told).toBeLessThan(30_000);
    await Promise.all(load);
    expect(done.filter((status) => status !== 201)).toEqual([]);
    ivs.kill('SIGTERM');
    expect(await ivs.ended).toBe(0);
  } finally {
    for (const one of running) one.kill();
    await asSuperuser('postgres', (client) => client.query(`drop database if exists ${name} with (force)`));
  }
});

it('one line says that the port is taken', async () => {
  const other = await Emulator.start({ port: 0 });
  try {
    const service = start('dist/main.js', environment(other.port, { LOG_LEVEL: 'silent' }));
    expect(await service.ended).toBe(1);
    expect(service.output).toMatch(/EADDRINUSE/);
  } finally {
    await other.stop();
  }
});
