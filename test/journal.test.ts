/** The journal: what a restore must not undo is stored outside of the database, in order, and by many replicas. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import pg from 'pg';
import { createApp } from '../src/app.ts';
import { archiveAt } from '../src/archive/archive.ts';
import { Settings } from '../src/config.ts';
import { Database } from '../src/database/database.ts';
import { Reach } from '../src/database/reach.ts';
import { Journal } from '../src/journal/journal.ts';
import { nameOf, read } from '../src/journal/journal-parts.ts';
import { replay } from '../src/journal/restore.ts';
import { Secrets } from '../src/secrets/secrets.ts';
import { Metrics } from '../src/telemetry/metrics.ts';
import { createDatabase } from './support/database.ts';
import { S3Server } from './support/s3-server.ts';
import { HttpClient, type Json, Stagedoor, started, type TestTenant } from './support/stagedoor.ts';
import { until } from './support/until.ts';

const masterKey = Buffer.from('the master key of these tests 01').toString('base64');

let bucket: S3Server;
let stagedoor: Stagedoor;
let tenant: TestTenant;

const env = () => ({
  STAGEDOOR_MASTER_KEY: masterKey,
  JOURNAL_URL: 's3://journal',
  JOURNAL_ENDPOINT: bucket.url,
});
const journalKey = () => stagedoor.app.get(Secrets).journalKey;

beforeAll(async () => {
  bucket = await S3Server.start();
  stagedoor = await Stagedoor.start(env());
  tenant = await stagedoor.createTenant();
});
afterAll(async () => {
  await stagedoor.stop();
  await bucket.stop();
});

/** The entries of all parts, in their order. */
function stored(): Json[] {
  const parts = [...bucket.objects].toSorted(([one], [other]) => (one < other ? -1 : 1));
  return parts.flatMap(([name, text], at) => {
    expect(name).toBe(`journal/${nameOf(BigInt(at + 1))}`);
    return read(text, BigInt(at + 1), journalKey()).entries;
  });
}

async function ban(userId: string): Promise<Json> {
  return (await stagedoor.expect(201, stagedoor.post('/v1/bans', tenant.key, { userId })))['ban'] as Json;
}

async function isStored(): Promise<void> {
  await until(async () => {
    const [{ left } = {}] = await stagedoor.database.query('select count(*)::int as left from journal_entries');
    return left === 0;
  }, 'the journal has everything');
}

/** The journal of another replica. */
function journalOf() {
  const settings = Settings.from(Stagedoor.environment(stagedoor.ivs, stagedoor.database, env()));
  const database = new Database(settings, new Reach(false));
  const journal = new Journal(database, settings, new Secrets(settings), new Metrics());
  return { journal, close: () => database.onApplicationShutdown() };
}

/** Another replica, with other settings or another database. In this process, it is the one that knows credentials from then on. */
async function another(more: Record<string, string | undefined> = {}, database = stagedoor.database) {
  const settings = Object.entries({ ...Stagedoor.environment(stagedoor.ivs, database, env()), ...more });
  const given = Settings.from(Object.fromEntries(settings.filter(([, value]) => value !== undefined)));
  const app: NestFastifyApplication = await started(() => createApp(given));
  await app.listen(0, '127.0.0.1');
  return Object.assign(new HttpClient(await app.getUrl()), { app });
}

async function lag(): Promise<number> {
  const { text } = await stagedoor.get('/metrics');
  return Number(/^stagedoor_journal_lag_seconds (.+)$/m.exec(text)?.[1]);
}

test('a ban and its end are stored within some seconds, in order, and nothing that does not matter', async () => {
  const { id } = await ban('ann');
  await stagedoor.expect(200, stagedoor.request('DELETE', `/v1/bans/${id}`, { as: tenant.key }));
  await stagedoor.createSpace(tenant, { room: false });
  await isStored();
  const entries = stored().filter(({ userId }) => userId === 'ann');
  expect(entries).toMatchObject([
    { tenantId: tenant.id, action: 'ban.create', subject: id, caller: { kind: 'apiKey' } },
    { action: 'ban.lift', subject: id },
  ]);
  expect(new Set(stored().map(({ action }) => action as string))).toEqual(new Set(['ban.create', 'ban.lift']));
  expect([...bucket.objects.values()].join('\n')).not.toContain(tenant.key);
});

test('replicas store side by side: each entry is in one part, and no part is missing', async () => {
  const others = [journalOf(), journalOf()];
  try {
    const users = Array.from({ length: 40 }, (_, n) => `many-${n}`);
    const runs = (async () => {
      for (let n = 0; n < 10; n++) await Promise.all(others.map(({ journal }) => journal.run()));
    })();
    await Promise.all(users.map((userId) => ban(userId)));
    await runs;
    await isStored();
    const found = stored().flatMap(({ userId }) => (String(userId).startsWith('many-') ? [String(userId)] : []));
    expect(found.toSorted()).toEqual(users.toSorted());
    expect(others.map(({ journal }) => journal.whyNotReady)).toEqual([undefined, undefined]);
    expect((await stagedoor.get('/health/ready')).status).toBe(200);
  } finally {
    for (const { close } of others) await close();
  }
});

test('while the bucket is away acts go on, a metric says how long what waits has waited, and then it is stored', async () => {
  bucket.failures = 1_000;
  await ban('bea');
  await until(async () => (await lag()) > 0.5, 'the ban waits');
  expect((await stagedoor.get('/health/ready')).status).toBe(200);
  expect(stored().some(({ userId }) => userId === 'bea')).toBe(false);
  bucket.failures = 0;
  await isStored();
  expect(stored().filter(({ userId }) => userId === 'bea')).toHaveLength(1);
  await until(async () => (await lag()) === 0, 'nothing waits any more');
});

test('a replica that stored a part and died before it noted that is no restore', async () => {
  const [before] = await stagedoor.database.query('select * from journal_state');
  const entries = await stagedoor.database.query('select * from journal_entries');
  expect(entries).toEqual([]);
  const { id } = await ban('cleo');
  await isStored();
  // The part is there, and the database does not know yet.
  await stagedoor.database.query(
    `insert into journal_entries (tenant_id, id, caller, action)
     select tenant_id, id, caller, action from audit where action = 'ban.create' and subject = '${id}'`,
  );
  await stagedoor.database.query(`update journal_state set position = ${String(before?.['position'])}`);
  const other = journalOf();
  try {
    await other.journal.run();
    expect(other.journal.whyNotReady).toBeUndefined();
    await isStored();
    expect(stored().filter(({ userId }) => userId === 'cleo')).toHaveLength(1);
  } finally {
    await other.close();
  }
});

test('a database that is replaced by an older one under a running replica is not served either', async () => {
  const [{ position } = {}] = await stagedoor.database.query('select position::int from journal_state');
  await stagedoor.database.query('update journal_state set position = position - 1');
  await until(async () => (await stagedoor.get('/health/ready')).status === 503, 'it is noticed');
  expect(await stagedoor.once.get('/v1/bans', tenant.key)).toMatchObject({
    status: 503,
    body: { code: 'unavailable' },
  });
  await stagedoor.database.query(`update journal_state set position = ${String(position)}`);
  await until(async () => (await stagedoor.get('/health/ready')).status === 200, 'it is served again');
});

describe('a database that does not know its journal is not served', () => {
  const refused = async (service: HttpClient) => ({
    ready: (await service.get('/health/ready')).body,
    answers: await Promise.all(
      [
        service.once.get('/v1/bans', tenant.key),
        service.once.get('//v1/bans', tenant.key),
        service.once.get('/v1/tenants', HttpClient.operatorToken),
        service.once.post('/v1/spaces/spc/join', tenant.key, { userId: 'ann' }),
        service.once.request('POST', '/console/session', { body: { credential: tenant.key } }),
      ].map(async (answer) => (await answer).status),
    ),
    live: (await service.get('/health/live')).status,
  });
  const not = (message: unknown) => ({
    ready: { status: 'error', details: { journal: { status: 'down', message } } },
    answers: [503, 404, 503, 503, 503],
    live: 200,
  });

  test('another database with this journal', async () => {
    const database = await createDatabase();
    const service = await another({}, database);
    try {
      expect(await refused(service)).toEqual(not(expect.stringContaining('older than its journal')));
    } finally {
      await service.app.close();
      await database.drop();
    }
  });

  test('while the journal was never to be reached', async () => {
    const service = await another({ JOURNAL_ENDPOINT: 'http://127.0.0.1:9' });
    try {
      expect(await refused(service)).toEqual(not(expect.stringContaining('not compared')));
    } finally {
      await service.app.close();
    }
  });

  test('without JOURNAL_URL, until the journal is given up', async () => {
    const service = await another({ JOURNAL_URL: undefined });
    try {
      expect(await refused(service)).toEqual(not(expect.stringContaining('JOURNAL_URL is not set')));
    } finally {
      await service.app.close();
    }
  });
});

test('a part that was changed, or is missing, is not replayed', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'journal-'));
  const database = await createDatabase();
  const client = new pg.Client({ connectionString: database.serviceUrl });
  await client.connect();
  try {
    const archive = archiveAt(pathToFileURL(folder).href, { region: 'us-east-1', endpoint: undefined });
    const texts = [...bucket.objects].toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, text]) => text);
    const [first = '', , third = ''] = texts;
    expect(texts.length).toBeGreaterThan(2);
    expect(await archive.nextName('')).toBeUndefined();
    expect(await archive.create(nameOf(1n), first)).toBe(true);
    expect(await archive.create(nameOf(1n), 'another')).toBe(false);
    const all = async () => {
      const counts: unknown[] = [];
      for await (const { counts: one } of replay(client, archive, journalKey())) counts.push(one);
      return counts;
    };
    const file = path.join(folder, nameOf(1n));
    expect(readFileSync(file, 'utf8')).toBe(first);
    writeFileSync(file, first.replace('ban.create', 'ban.ended'));
    await expect(all()).rejects.toThrow('Part 1 of the journal is not as');
    writeFileSync(file, first);
    const { entries } = read(first, 1n, journalKey());
    expect(await all()).toEqual([{ replayed: 0, known: 0, 'unknown tenant': entries.length }]);
    expect(await all()).toEqual([]);
    await archive.create(nameOf(3n), third);
    await expect(all()).rejects.toThrow('Part 2 of the journal is missing: 000000000000/0003.jsonl is the next one.');
    // A part that stands in the place of another one.
    await archive.create(nameOf(2n), third);
    await expect(all()).rejects.toThrow('Part 2 of the journal is not as');
    // Ten thousand parts fill a folder, and the next one follows all the same.
    await archive.create(nameOf(10_000n), third);
    expect(await archive.nextName(nameOf(3n))).toBe('000000000001/0000.jsonl');
    expect(await archive.nextName(nameOf(10_000n))).toBeUndefined();
  } finally {
    await client.end();
    await database.drop();
    rmSync(folder, { recursive: true });
  }
});
