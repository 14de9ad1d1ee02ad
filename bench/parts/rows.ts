/**
 * A deployment with few rows and the same with very many: what a vend, a ban and a look at a stage cost in either, what the watchdog
 * costs, and how old rows are deleted. It is no part of a run of everything, because it fills a disk for a long time.
 *
 * BENCH_ROWS is the number of grants of the large one. BENCH_DATA is a folder that keeps it for the next run.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

import type { SqlArguments } from '../../src/database/sql-call.ts';
import { limits } from '../../src/limits.ts';
import { type Deployment, startDeployment, withClient } from '../support/deployment.ts';
import { callOf } from '../support/functions.ts';
import { es256Issuer, type Issuer } from '../support/issuers.ts';
import { load, type LoadResult, post } from '../support/load.ts';
import { processorMs } from '../support/processes.ts';
import { heading, line, median, ms, note, perSecond } from '../support/report.ts';
import { fillRows, isSpared, issuerName, spaceId, spaces, tenantId, tenants, tenantsWithCapacity, trust, usersOf } from '../support/rows.ts';
import { rounds, seconds } from '../support/settings.ts';
import { refuseFailures, vend } from '../support/vending.ts';

const few = 100_000;
const many = Number(process.env['BENCH_ROWS'] ?? 3_000_000);
/** So many that vends come in groups to the database, as they do when it matters. */
const connections = 64;
/** Vends a second while latencies are measured, and beside other work. */
const vendsPerSecond = 400;
const bansPerSecond = 10;
/** Times that each function is called, after as many times that do not count: Postgres keeps its plan then. */
const times = 20;
/** A statement of the service that takes longer is ended by Postgres, in milliseconds. */
const longestStatementMs = 2_000;

/** A deployment of one size, and what is measured in it by name. */
interface Size {
  rows: number;
  deployment: Deployment;
  /** Key of the administrator of the first tenant. */
  key: string;
  keyId: string;
}

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
    for (const { deployment } of sizes.slice(0, 1)) await fillAndDelete(deployment);
  } finally {
    for (const { deployment } of sizes) await deployment.stop();
    if (kept === undefined) rmSync(folder, { recursive: true, force: true });
    else if (existsSync(path.join(folder, String(few)))) rmSync(path.join(folder, String(few)), { recursive: true });
  }
}

async function start(folder: string, rows: number, issuer: Issuer): Promise<Size> {
  note(`${rows.toLocaleString('en')} grants:`);
  const { dataDir, masterKey } = await fillRows(folder, rows);
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
      line(`${size(rows)}: ${name}`, mb(total), `${Math.max(0, count).toLocaleString('en')} rows, ${mb(heap)} without indexes; ${each}`);
    }
    const { rows: settings } = await client.query<{ total: string; buffers: string }>(
      `select pg_database_size(current_database()) as total, current_setting('shared_buffers') as buffers`,
    );
    line(`${size(rows)}: the database`, mb(settings[0]?.total ?? 0), `shared_buffers ${settings[0]?.buffers}, memory of the machine ${mb(os.totalmem())}`);
    await client.query('create extension if not exists pageinspect');
    const { rows: trees } = await client.query<{ name: string; level: number; pages: number }>(
      `select c.relname as name, m.level::int, c.relpages as pages
         from pg_index i join pg_class c on c.oid = i.indexrelid, lateral bt_metap(c.relname) m
        where i.indrelid in ('grants'::regclass, 'audit'::regclass) and c.relpages > 1 order by 1`,
    );
    note(`Levels of the trees above their leaves: ${trees.map(({ name, level, pages }) => `${name} ${level} (${pages.toLocaleString('en')} pages)`).join(', ')}`);
  });
}

/** The ways of a vend, of a ban and of the watch through the database, called as the service calls them. */
function calls(keyId: string): [path: string, name: string, args: (n: number) => SqlArguments, setUp?: string][] {
  const tenant = tenantId(0);
  const lobby = spaceId(0, 0);
  const user = (n: number) => `user-${(n * 7919 + 1) % usersOf(0)}`;
  const admission = (who: string, n: number) => ({
    tenant,
    callerKind: 'apiKey',
    credential: keyId,
    caller: { kind: 'apiKey', id: keyId },
    space: lobby,
    user: who,
    pseudonym: who,
    roleAsked: 'speaker',
    rolesClaimed: [],
    stageGrant: `grt_bench_s${n}`,
    chatGrant: `grt_bench_c${n}`,
    participant: `bench${n}`,
    staying: null,
    auditEntry: `aud_bench_a${n}`,
    outrankedEntry: `aud_bench_o${n}`,
    auditAction: 'space.join',
    request: 'bench',
    vendsPerMinute: 60,
    limits,
  });
  const group = (n: number) =>
    Array.from({ length: 16 }, (_, nth) => ({
      nth,
      kind: 'apiKey',
      credential: keyId,
      caller: { kind: 'apiKey', id: keyId },
      space: lobby,
      user: user(n * 16 + nth),
      pseudonym: user(n * 16 + nth),
      asked: 'speaker',
      claimed: [],
      stage_grant: `grt_bench_s${nth}`,
      chat_grant: null,
      participant: `bench${nth}`,
      staying: null,
      entry: `aud_bench_${nth}`,
      action: 'stageToken.create',
      request: 'bench',
    }));
  const ban = (who: string, n: number) => ({
    tenant,
    kind: 'apiKey',
    credential: keyId,
    mustBeActive: true,
    caller: { kind: 'apiKey', id: keyId },
    claimed: [],
    ban: `ban_bench_${n}`,
    action: `act_bench_${n}`,
    space: null,
    user: who,
    reason: null,
    expires: null,
    elapsed: 0,
    mostActs: 1_000,
    usualQuota: 100_000,
    auditEntry: `aud_bench_${n}`,
    details: {},
    request: 'bench',
    events: JSON.stringify([]),
    limits,
  });
  const connected = Object.fromEntries(
    Array.from({ length: 100 }, (_, n) => [`participant${n}`, { userId: `user-${n * 10 + 7}`, publishing: n % 2 === 0 }]),
  );
  const rates = Object.fromEntries(
    ['DeleteMessage', 'DisconnectParticipant', 'DisconnectUser', 'SendEvent'].map((name) => [name, { rate: 4.8, burst: 5 }]),
  );
  // A moderator acts against the newest hundred people of the space.
  const watched = `
    insert into actions (tenant_id, id, kind, space_id, requested_by, requested_at)
      values ('${tenant}', 'act_bench_watch', 'grants.revoke', '${lobby}', '{"kind":"apiKey","id":"bench"}', now());
    insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, kind, ivs_user_id, participant_id, expires_at)
      select tenant_id, id, 'act_bench_watch', space_id, 'gone', now(), kind, ivs_user_id, participant_id, expires_at
        from grants where tenant_id = '${tenant}' and space_id = '${lobby}' and kind = 'stage' order by session_expires_at desc limit 100;
    insert into watches (tenant_id, space_id, next_at) values ('${tenant}', '${lobby}', now()) on conflict do nothing`;
  const now = () => new Date();
  const past = new Date(0);
  return [
    ['vend', 'admit', (n) => admission(user(n), n)],
    ['vend of the busiest user', 'admit', (n) => admission('often', n)],
    ['vends, 16 together', 'admit_groups', (n) => ({ groups: JSON.stringify([{ tenant, requests: group(n) }]), vendsPerMinute: 60, limits })],
    ['vend', 'vends_in_last_minute', () => ({ tenant, user: 'often', stage: true, chat: true, most: 60 })],
    ['vend', 'ban_in_force', (n) => ({ tenant, user: user(n), space: lobby, rank: null })],
    ['people in a space with a capacity', 'users_in_space', () => ({ tenant, space: spaceId(0, spaces - 1), except: 'nobody' })],
    ['ban', 'create_ban', (n) => ban(user(n), n)],
    ['ban of the busiest user', 'create_ban', (n) => ban('often', n)],
    ['rank of the busiest user', 'rank_to_act_on', () => ({ tenant, space: lobby, user: 'often', limits })],
    ['quota of bans', 'bans_in_force', () => ({ tenant, most: 99_000 })],
    ['grants of the busiest user', 'grants_to_act_on', () => ({ tenant, user: 'often', space: null, before: 'infinity', limits })],
    ['end of the busiest user’s chat', 'end_chat_holds', () => ({ tenant, action: 'act_bench', space: lobby, user: 'often', ivsUser: 'often', limits })],
    ['change of role', 'grants_beside_role', () => ({ tenant, space: lobby, user: 'often', role: 'speaker', limits })],
    ['revoking all of the busiest space', 'grants_in_space', () => ({ tenant, space: lobby, limits })],
    ['freezing the busiest space', 'grants_to_silence', () => ({ tenant, space: lobby, user: null, moderatorRoles: ['moderator'], limits })],
    ['end of a signing key', 'revoke_grants_of_key', () => ({ tenant, key: `sgk_01m0${'0'.repeat(22)}`, from: '-infinity', limit: 1_000 })],
    ['deliveries', 'lease_deliveries', () => ({ tenant: null, action: null, limit: 20, lease: '15 seconds', lands: '12 seconds', rates, expire: 1_000 })],
    ['deliveries', 'delivery_backlog', () => ({ overdueAfter: '10 seconds' })],
    ['participants who return', 'returning_participants', () => ({ times: 3, within: '5 minutes' })],
    ['ends of bans', 'announce_ended_bans', () => ({ most: 200 })],
    ['ends of actions', 'announce_delivered_actions', () => ({ most: 200 })],
    ['watch', 'lease_watches', () => ({ limit: 20, lease: '15 seconds', byName: 64, calls: 3, rate: 4.8, burst: 5 })],
    [
      'watch: 100 people on the busiest stage',
      'finish_watch',
      () => ({ tenant, space: lobby, lookedAt: now(), connected, step: { since: now(), nextIn: 2, unspent: 0 }, burst: 5, limits }),
      watched,
    ],
    ['watch', 'watch_backlog', () => ({})],
    ['watchdog: 1,000 bans', 'bans_without_hold', () => ({ afterTenant: '', afterBan: '', limit: 1_000, limits })],
    ['clock set back', 'mend_times', () => ({ lease: '15 seconds', backoff: '30 seconds', limits })],
    ['pending grants', 'sweep_pending_grants', () => ({ olderThan: '1 minute', most: 1_000 })],
    ['audit', 'seal_audit', () => ({ limit: 1_000 })],
    ['audit', 'unsealed_audit', () => ({ most: 100_000 })],
    ['audit', 'next_checkpoint', () => ({ tenant, age: '1 hour', most: 5_000 })],
    ['retention: nothing is due', 'next_cut', () => ({ tenant, before: past, most: 5_000 })],
    ['retention: nothing is due', 'drop_old_grants', () => ({ tenant, before: past, after: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_bans', () => ({ tenant, before: past, most: 1_000 })],
    ['retention: nothing is due', 'drop_old_deliveries', () => ({ tenant, before: past, most: 1_000 })],
  ];
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
    for (const at of calls('').keys()) {
      const found: Touched[] = [];
      let what = '';
      for (const [n, { keyId }] of sizes.entries()) {
        const [path = '', name = '', args = () => ({}), setUp] = calls(keyId)[at] ?? [];
        what = `${name} (${path})`;
        found.push(await touchedBy(clients[n] as pg.Client, name, args, setUp));
      }
      const [small, large] = found as [Touched, Touched];
      const slow = large.longest > longestStatementMs ? '; TOO SLOW' : '';
      const more = large.pages > 3 * small.pages + 50 ? '; MORE PAGES' : '';
      line(what, `${ms(small.ms)} → ${ms(large.ms)}`, `${small.pages} → ${large.pages} pages, of which ${large.read} not in Postgres’ memory${more}${slow}`);
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
  setUp = '',
): Promise<Touched> {
  const found: Touched[] = [];
  let left = 2 * times;
  for (let n = 0; n < left; n++) {
    const { text, values } = await callOf(name, args(n));
    await client.query('begin');
    await client.query(`select set_config('app.tenant_id', $1, true)`, [tenantId(0)]);
    if (setUp) await client.query(setUp);
    const { rows } = await client.query<{ 'QUERY PLAN': [Explained] }>(`explain (analyze, buffers, timing off, format json) ${text}`, values);
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
  const requests = sizes.map(() => vendsOf(issuer, 2_500 * seconds));
  for (const [at, { deployment }] of sizes.entries()) {
    for (let warm = 0; warm < 3; warm++) await load({ url: deployment.url, connections, seconds: 3, next: requests[at] as () => Buffer });
  }
  const found: number[][] = sizes.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [at, { deployment }] of sizes.entries()) {
      const result = await vend(deployment, { next: requests[at] as () => Buffer, connections, seconds });
      found[at]?.push(result.perSecond);
      const { service = NaN, postgres = NaN } = result.processorMs ?? {};
      line(`${size(sizes[at]?.rows ?? 0)}: vends`, perSecond(result.perSecond), `processor ms a vend: service ${service.toFixed(2)} · postgres ${postgres.toFixed(2)}`);
    }
  }
  const ratios = (found[0] ?? []).map((rate, round) => (found[1]?.[round] ?? NaN) / rate);
  line('many beside few', median(ratios).toFixed(2), '0.95 is wanted');
  for (const [at, { deployment, rows }] of sizes.entries()) {
    const result = await load({ url: deployment.url, connections, seconds, rate: vendsPerSecond, next: requests[at] as () => Buffer });
    refuseFailures(result);
    printLatencies(`${size(rows)}: ${vendsPerSecond} vends a second`, result);
  }
}

/** Requests of users whom nobody has banned. Two of five are of the first tenant, half are for the first space. */
function vendsOf(issuer: Issuer, count: number): () => Buffer {
  let seed = 1;
  // The same sequence in each size.
  const dice = (sides: number) => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return Math.floor((seed / 2 ** 31) * sides);
  };
  const requests = Array.from({ length: count }, () => {
    const kind = dice(10);
    const tenant = kind < 4 ? 0 : kind < 6 ? 1 + dice(9) : 10 + dice(tenants - 10);
    let user = dice(usersOf(tenant));
    if (!isSpared(user)) user--;
    const space = dice(2) === 0 ? 0 : 1 + dice(spaces - 2);
    const token = issuer.token(`user-${user}`, issuerName(tenant));
    return post(`/v1/spaces/${spaceId(tenant, space)}/stage-tokens`, token);
  });
  let at = 0;
  return () => requests[at++ % requests.length] ?? Buffer.alloc(0);
}

async function bans(sizes: Size[]): Promise<void> {
  heading(`POST /v1/bans, ${bansPerSecond} a second, of users with a history`);
  for (const { deployment, rows, key } of sizes) {
    // The last users of the first tenant that nobody has banned. Later vends have others.
    let user = usersOf(0);
    const next = () => {
      do user--;
      while (!isSpared(user));
      return post('/v1/bans', key, JSON.stringify({ userId: `user-${user}`, expiresAt: new Date(Date.now() + 120_000).toISOString() }));
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

/** What the watchdog asks in a whole pass, which a replica does every 15 seconds, as long as it does not last too long. */
async function watchdog({ deployment, rows }: Size): Promise<void> {
  await withClient(deployment.serviceUrl, async (client) => {
    const ask = async (name: string, args: SqlArguments) => {
      const { text, values } = await callOf(name, args);
      return (await client.query<Record<string, unknown>>(text, values)).rows[0];
    };
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = own[0]?.pid ?? 0;
    let bansChecked = 0;
    const pass = async () => {
      await ask('delivery_backlog', { overdueAfter: '10 seconds' });
      await ask('returning_participants', { times: 3, within: '5 minutes' });
      await ask('watch_backlog', {});
      await ask('unsealed_audit', { most: 100_000 });
      await ask('webhook_backlog', { steady: limits.steadyFailures });
      bansChecked = 0;
      for (let after: Record<string, unknown> | undefined = { tenant_id: '', ban_id: '' }; after?.['tenant_id'] !== null; bansChecked += 1_000)
        after = await ask('bans_without_hold', { afterTenant: String(after?.['tenant_id']), afterBan: String(after?.['ban_id']), limit: 1_000, limits });
      for (let wrong: unknown = 0; wrong !== null;) wrong = (await ask('check_count', { every: '1 minute', limits }))?.['result'];
    };
    await pass();
    const passes = 5;
    const before = processorMs(pid) ?? NaN;
    const began = performance.now();
    for (let n = 0; n < passes; n++) await pass();
    const used = ((processorMs(pid) ?? NaN) - before) / passes;
    line(
      `${size(rows)}: a pass of the watchdog`,
      ms(used),
      `of processor in Postgres, ${ms((performance.now() - began) / passes)} in all; up to ${bansChecked.toLocaleString('en')} bans; every 15 s that is ${(used / 150).toFixed(2)} % of a core`,
    );
  });
  const postgres = () => processorMs(deployment.postgresPid, true) ?? NaN;
  const service = () => processorMs(deployment.service.pid) ?? NaN;
  const before = [postgres(), service()];
  await delay(30_000);
  const [inPostgres, inService] = [postgres() - (before[0] ?? NaN), service() - (before[1] ?? NaN)];
  line(`${size(rows)}: nothing is asked for 30 s`, '', `Postgres ${(inPostgres / 300).toFixed(1)} %, service ${(inService / 300).toFixed(1)} % of a core`);
}

/** The oldest day of rows is deleted by the service, beside vends. */
async function retention(of: Size, issuer: Issuer): Promise<void> {
  const { deployment, rows } = of;
  heading(`${size(rows)}: retention of a day beside ${vendsPerSecond / 2} vends a second`);
  const next = vendsOf(issuer, vendsPerSecond * 60);
  const spell = 30;
  const ask = async () => {
    const result = await load({ url: deployment.url, connections: 32, seconds: spell, rate: vendsPerSecond / 2, next });
    refuseFailures(result);
    return result;
  };
  await ask();
  printLatencies('vends beside nothing', await ask());
  const { rows: ages } = await withClient(deployment.superuserUrl, (client) =>
    client.query<{ days: number }>(`select floor(extract(epoch from now() - min(expires_at)) / 86400)::int as days from grants`),
  );
  const days = ages[0]?.days ?? 79;
  await deployment.restart({ GRANT_RETENTION_DAYS: String(days), AUDIT_RETENTION_DAYS: String(days) });
  const before = await deleted(deployment);
  const beside = await ask();
  const after = await deleted(deployment);
  printLatencies('vends beside the deletion', beside);
  for (const table of ['grants', 'audit', 'deliveries', 'actions', 'bans']) {
    const gone = (after[table] ?? 0) - (before[table] ?? 0);
    line(`  deleted by one replica in ${spell} s: ${table}`, gone.toLocaleString('en'), perSecond(gone / spell));
  }
  await deleteAtOnce(of, days - 1);
}

/** Deletes grants of another day as fast as one connection can, as the service's steps do. */
async function deleteAtOnce({ deployment, rows }: Size, days: number): Promise<void> {
  await withClient(deployment.serviceUrl, async (client) => {
    const { rows: own } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    const pid = own[0]?.pid ?? 0;
    const before = new Date(Date.now() - days * 86_400_000);
    const used = processorMs(pid) ?? NaN;
    const began = performance.now();
    let gone = 0;
    for (let n = 0; n < tenants && performance.now() - began < 10_000; n++) {
      for (let after: Date | null = new Date(0); after !== null && performance.now() - began < 10_000;) {
        const { text, values } = await callOf('drop_old_grants', { tenant: tenantId(n), before, after, most: limits.sweptAtOnce });
        const { rows: found } = await client.query<{ dropped: string; reached: Date | null }>(text, values);
        gone += Number(found[0]?.dropped ?? 0);
        after = found[0]?.reached ?? null;
      }
    }
    const seconds = (performance.now() - began) / 1_000;
    const each = (((processorMs(pid) ?? NaN) - used) / gone) * 1_000;
    line(`${size(rows)}: grants deleted without a pause`, perSecond(gone / seconds), `${gone.toLocaleString('en')} rows, ${each.toFixed(0)} µs of processor each`);
  });
}

async function deleted(deployment: Deployment): Promise<Record<string, number>> {
  await delay(1_500); // Postgres tells of what it did a second later
  const { rows } = await withClient(deployment.superuserUrl, (client) =>
    client.query<{ name: string; gone: string }>('select relname as name, n_tup_del as gone from pg_stat_user_tables'),
  );
  return Object.fromEntries(rows.map(({ name, gone }) => [name, Number(gone)]));
}

/** A fifth of the rows is new in each round and the oldest fifth is deleted, as in years. Autovacuum does what its defaults say. */
async function fillAndDelete(deployment: Deployment): Promise<void> {
  heading('Rounds: a fifth of the grants is new, and the oldest fifth is deleted');
  await deployment.service.stop();
  await withClient(deployment.superuserUrl, async (client) => {
    await client.query('alter table grants set (autovacuum_enabled = off)');
    const { rows: first } = await client.query<{ size: string; vends: string }>(
      `select pg_total_relation_size('grants') as size, (select count(*) from grants where kind = 'stage') as vends`,
    );
    const vendCount = Number(first[0]?.vends);
    const begins = Number(first[0]?.size);
    const step = Math.round(vendCount / 5);
    for (let round = 1; round <= 15; round++) {
      const from = vendCount + (round - 1) * step;
      await client.query('select bench_grants($1, $2)', [from + 1, from + step]);
      const gone = await dropOldest(client, step);
      const { rows: found } = await client.query<{ size: string; live: string }>(
        `select pg_total_relation_size('grants') as size, (select count(*) from grants) as live`,
      );
      const isTime = gone + unvacuumed > 50 + Number(found[0]?.live) / 5;
      unvacuumed = isTime ? 0 : unvacuumed + gone;
      if (isTime) await client.query('vacuum analyze grants');
      if (round % 3 === 0)
        line(`after round ${round}`, `${(Number(found[0]?.size) / begins).toFixed(2)} ×`, `${mb(found[0]?.size ?? 0)}, ${Number(found[0]?.live).toLocaleString('en')} rows`);
    }
  });
}

/** Rows that were deleted since the last vacuum. */
let unvacuumed = 0;

/** Deletes about so many vends' grants, the oldest, as the service does. */
async function dropOldest(client: pg.Client, vendCount: number): Promise<number> {
  const { rows: found } = await client.query<{ before: Date }>(
    `select issued_at as before from grants where kind = 'stage' order by issued_at offset $1 limit 1`,
    [vendCount],
  );
  let gone = 0;
  for (let n = 0; n < tenants; n++) {
    for (let after: Date | null = new Date(0); after !== null;) {
      const { text, values } = await callOf('drop_old_grants', { tenant: tenantId(n), before: found[0]?.before ?? new Date(0), after, most: limits.sweptAtOnce });
      const { rows } = await client.query<{ dropped: string; reached: Date | null }>(text, values);
      gone += Number(rows[0]?.dropped ?? 0);
      after = rows[0]?.reached ?? null;
    }
  }
  return gone;
}

function printLatencies(what: string, { p50, p99, max, answers }: LoadResult): void {
  line(what, `p99 ${ms(p99)}`, `p50 ${ms(p50)} · max ${ms(max)}; ${answers} answers`);
}

const size = (rows: number) => (rows === few ? 'few' : 'many');
const mb = (bytes: string | number) => `${Math.round(Number(bytes) / 1e6).toLocaleString('en')} MB`;
