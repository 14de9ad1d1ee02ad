/**
 * A deployment with few rows and the same with very many: what a vend, a ban and a look at a stage cost in either, what the watchdog
 * costs, and how old rows are deleted. It is no part of a run of everything, because it fills a disk for a long time.
 *
 * BENCH_ROWS is the number of grants of the large one. BENCH_DATA is a folder that keeps it for the next run. BENCH_SHARED_BUFFERS
 * is the `shared_buffers` of Postgres, a quarter of the memory by default, as docs/operations/scale.md tells large deployments.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

import pg from 'pg';

import type { SqlArguments } from '../../src/database/sql-call.ts';
import { startDeployment, withClient } from '../support/deployment.ts';
import { callOf } from '../support/functions.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { load, post } from '../support/load.ts';
import { heading, line, median, ms, note, perSecond } from '../support/report.ts';
import type { Before } from '../support/path-call.ts';
import { pathCalls } from '../support/path-calls.ts';
import { retention } from '../support/row-retention.ts';
import { isSpared, issuerName, spaceId, spaces, tenantId, tenantsWithCapacity, usersOf } from '../support/row-shape.ts';
import { watchdog } from '../support/row-watchdog.ts';
import { few, mb, printLatencies, type Size, size, vendsOf } from '../support/row-sizes.ts';
import { fillRows, trust } from '../support/rows.ts';
import { rounds, seconds } from '../support/settings.ts';
import { refuseFailures, vend } from '../support/vending.ts';

const many = Number(process.env['BENCH_ROWS'] ?? 3_000_000);
const sharedBuffers = process.env['BENCH_SHARED_BUFFERS'] ?? `${Math.floor(os.totalmem() / 4 / 2 ** 20)}MB`;
/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 64;
/** Vends a second while latencies are measured. */
const vendsPerSecond = 400;
const bansPerSecond = 10;
/** Times that each function is called, after as many times that do not count: Postgres keeps its plan then. */
const times = 20;
/** A statement of the service that takes longer is ended by Postgres, in milliseconds. */
const longestStatementMs = 2_000;

export async function rowsOfYears(): Promise<void> {
  heading(`Rows of years: ${few.toLocaleString('en')} and ${many.toLocaleString('en')} grants (BENCH_ROWS)`);
  const kept = process.env['BENCH_DATA'];
  const folder = kept ?? mkdtempSync(path.join(os.tmpdir(), 'stagedoor-rows-'));
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const issuer = es256Issuer('https://es256.example');
  const sizes: Size[] = [];
  try {
    for (const rows of [few, many]) sizes.push(await start(path.join(folder, String(rows)), rows, issuer));
    if (process.env['BENCH_FILL_ONLY']) return;
    for (const size of sizes) await describe(size);
    await functions(sizes);
    await vends(sizes, issuer);
    await bans(sizes);
    await lists(sizes);
    for (const size of sizes) await watchdog(size);
    for (const size of sizes) await retention(size, issuer);
  } finally {
    for (const { deployment } of sizes) await deployment.stop();
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
    else if (existsSync(path.join(folder, String(few)))) rmSync(path.join(folder, String(few)), { recursive: true });
  }
}

async function start(folder: string, rows: number, issuer: Issuer): Promise<Size> {
  note(`${rows.toLocaleString('en')} grants:`);
  const { dataDir, masterKey } = await fillRows(folder, rows);
  writeFileSync(path.join(dataDir, 'postgresql.auto.conf'), `shared_buffers = '${sharedBuffers}'\n`);
  // Limits for one caller are no part of this: one moderator and one generator ask for everybody here.
  const env = { STAGEDOOR_MASTER_KEY: masterKey.toString('base64') };
  const deployment = await startDeployment(env, dataDir);
  await withClient(deployment.superuserUrl, (client) => trust(client, issuer));
  const { id, key } = await deployment.operator.call<{ id: string; key: string }>(
    'POST',
    `/v1/tenants/${tenantId(0)}/api-keys`,
    { name: 'rows', scopes: ['*'] },
  );
  // The first who asks in a space with a capacity makes the service count who is inside.
  for (let n = 0; n < tenantsWithCapacity; n++) {
    const newcomer = deployment.operator.as(issuer.token('newcomer', issuerName(n)));
    await newcomer.call('POST', `/v1/spaces/${spaceId(n, spaces - 1)}/stage-tokens`);
  }
  return { rows, deployment, key, keyId: id };
}

/** What lies on the disk, and how deep the trees of the indexes are. */
async function describe({ rows, deployment }: Size): Promise<void> {
  await withClient(deployment.superuserUrl, async (client) => {
    const { rows: tables } = await client.query<{ name: string; total: string; heap: string; count: number }>(
      `select relname as name, pg_total_relation_size(oid) as total, pg_relation_size(oid) as heap, reltuples as count from pg_class
        where relname in ('grants', 'audit', 'bans', 'actions', 'deliveries', 'holds', 'places') and relkind = 'r' order by 2 desc`,
    );
    for (const { name, total, heap, count } of tables) {
      const each = count > 0 ? `${Math.round(Number(total) / count)} bytes a row with its indexes` : '';
      line(
        `${size(rows)}: ${name}`,
        mb(total),
        `${Math.max(0, count).toLocaleString('en')} rows, ${mb(heap)} without indexes; ${each}`,
      );
    }
    const { rows: settings } = await client.query<{ total: string; buffers: string }>(
      `select pg_database_size(current_database()) as total, current_setting('shared_buffers') as buffers`,
    );
    line(
      `${size(rows)}: the database`,
      mb(settings[0]?.total ?? 0),
      `shared_buffers ${settings[0]?.buffers}, memory of the machine ${mb(os.totalmem())}`,
    );
    await client.query('create extension if not exists pageinspect');
    const { rows: trees } = await client.query<{ name: string; level: number; pages: number }>(
      `select c.relname as name, m.level::int, c.relpages as pages
         from pg_index i join pg_class c on c.oid = i.indexrelid, lateral bt_metap(c.relname) m
        where i.indrelid in ('grants'::regclass, 'audit'::regclass) and c.relpages > 1 order by 1`,
    );
    note(
      `Levels of the trees above their leaves: ${trees.map(({ name, level, pages }) => `${name} ${level} (${pages.toLocaleString('en')} pages)`).join(', ')}`,
    );
  });
}

/** Time and pages of each function, in one size beside the other. */
async function functions(sizes: Size[]): Promise<void> {
  heading('SQL functions of the paths, each undone afterwards: median time, and pages of 8 kB that Postgres touched');
  const clients = await Promise.all(
    sizes.map(async ({ deployment }) => {
      const client = new pg.Client({ connectionString: deployment.serviceUrl });
      await client.connect();
      return client;
    }),
  );
  try {
    for (const at of pathCalls('').keys()) {
      const found: Touched[] = [];
      let what = '';
      for (const [n, { keyId }] of sizes.entries()) {
        const [path = '', name = '', args = () => ({}), before = []] = pathCalls(keyId)[at] ?? [];
        what = `${name} (${path})`;
        found.push(await touchedBy(clients[n] as pg.Client, name, args, before));
      }
      const [small, large] = found as [Touched, Touched];
      const slow = large.longest > longestStatementMs ? '; TOO SLOW' : '';
      const more = large.pages > 3 * small.pages + 50 ? '; MORE PAGES' : '';
      line(
        what,
        `${ms(small.ms)} → ${ms(large.ms)}`,
        `${small.pages} → ${large.pages} pages, of which ${large.read} not in Postgres’ memory${more}${slow}`,
      );
    }
  } finally {
    for (const client of clients) await client.end();
  }
}

interface Touched {
  ms: number;
  longest: number;
  pages: number;
  read: number;
}

async function touchedBy(
  client: pg.Client,
  name: string,
  args: (n: number) => SqlArguments,
  before: Before[],
): Promise<Touched> {
  const found: Touched[] = [];
  let left = 2 * times;
  for (let n = 0; n < left; n++) {
    const { text, values } = await callOf(name, args(n));
    await client.query('begin');
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId(0)]);
    for (const one of before) await client.query(typeof one === 'string' ? one : await callOf(...one));
    const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(
      `explain (analyze, buffers, timing off, format json) ${text}`,
      values,
    );
    await client.query('rollback');
    const explained = rows[0]?.['QUERY PLAN'][0];
    if (!explained) continue;
    if (explained['Execution Time'] > longestStatementMs) left = Math.min(left, n + 1); // once is enough
    else if (n < times) continue;
    const { 'Shared Hit Blocks': hit, 'Shared Read Blocks': read } = explained.Plan;
    found.push({ ms: explained['Execution Time'], longest: explained['Execution Time'], pages: hit + read, read });
  }
  const of = (key: keyof Touched) => median(found.map((one) => one[key]));
  return { ms: of('ms'), longest: Math.max(...found.map((one) => one.ms)), pages: of('pages'), read: of('read') };
}

interface Explained {
  'Execution Time': number;
  Plan: { 'Shared Hit Blocks': number; 'Shared Read Blocks': number };
}

/** Vends of users who have many grants already, over all tenants, in turn in both sizes. */
async function vends(sizes: Size[], issuer: Issuer): Promise<void> {
  heading('Vends (key-pair mint, ES256), spread over 200 tenants as the rows are');
  const users = 2_500 * seconds;
  const requests = sizes.map(() => vendsOf(issuer, users));
  // Each user was there lately: what they read for the first time is in the table of functions.
  for (const [at, { deployment }] of sizes.entries()) {
    for (let vended = 0; vended < users;)
      vended += (await load({ url: deployment.url, connections, seconds: 3, next: requests[at] as () => Buffer }))
        .answers;
  }
  const found: number[][] = sizes.map(() => []);
  const order = [...sizes.entries()];
  for (let round = 0; round < rounds; round++) {
    for (const [at, { deployment }] of order) {
      const result = await vend(deployment, { next: requests[at] as () => Buffer, connections, seconds });
      found[at]?.push(result.perSecond);
      const { service = NaN, postgres = NaN } = result.processorMs ?? {};
      line(
        `${size(sizes[at]?.rows ?? 0)}: vends`,
        perSecond(result.perSecond),
        `processor ms a vend: service ${service.toFixed(2)} · postgres ${postgres.toFixed(2)}`,
      );
    }
    order.reverse(); // a machine that gets faster or slower favours neither
  }
  const ratios = (found[0] ?? []).map((rate, round) => (found[1]?.[round] ?? NaN) / rate);
  line('many beside few', median(ratios).toFixed(2), '0.95 is wanted');
  for (const [at, { deployment, rows }] of sizes.entries()) {
    const result = await load({
      url: deployment.url,
      connections,
      seconds,
      rate: vendsPerSecond,
      next: requests[at] as () => Buffer,
    });
    refuseFailures(result);
    printLatencies(`${size(rows)}: ${vendsPerSecond} vends a second`, result);
  }
}

async function bans(sizes: Size[]): Promise<void> {
  heading(`POST /v1/bans, ${bansPerSecond} a second, of users with a history`);
  for (const { deployment, rows, key } of sizes) {
    // The last users of the first tenant that nobody has banned. Later vends have others.
    let user = usersOf(0);
    const next = () => {
      do user--;
      while (!isSpared(user));
      return post(
        '/v1/bans',
        key,
        JSON.stringify({ userId: `user-${user}`, expiresAt: new Date(Date.now() + 120_000).toISOString() }),
      );
    };
    await load({ url: deployment.url, connections: 4, seconds: 2, rate: bansPerSecond, next });
    const result = await load({ url: deployment.url, connections: 20, seconds, rate: bansPerSecond, next });
    refuseFailures(result);
    printLatencies(`${size(rows)}: POST /v1/bans`, result);
  }
}

async function lists(sizes: Size[]): Promise<void> {
  heading('Lists of the largest tenant: the first page of 50, median of ten');
  const lobby = spaceId(0, 0);
  const asked = {
    'grants of the busiest user': '/v1/grants?limit=50&userId=often',
    'grants of one user': '/v1/grants?limit=50&userId=user-1',
    'grants of the busiest space': `/v1/grants?limit=50&spaceId=${lobby}`,
    'live grants': '/v1/grants?limit=50&live=true',
    'audit log': '/v1/audit?limit=50',
    'audit log of the busiest user': '/v1/audit?limit=50&userId=often',
    'audit log of the busiest space': `/v1/audit?limit=50&spaceId=${lobby}`,
    'bans of one user': '/v1/bans?limit=50&userId=user-7',
    'bans in force': '/v1/bans?limit=50&active=true',
  };
  for (const [what, address] of Object.entries(asked)) {
    const found: number[] = [];
    for (const { deployment, key } of sizes) {
      const api = deployment.operator.as(key);
      const taken: number[] = [];
      for (let n = 0; n < 10; n++) {
        const began = performance.now();
        await api.call('GET', address);
        taken.push(performance.now() - began);
      }
      found.push(median(taken));
    }
    line(what, found.map(ms).join(' → '));
  }
}
