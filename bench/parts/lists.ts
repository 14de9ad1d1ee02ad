/** The time of each list of the API, with each filter and with several, beside millions of rows of the tenant. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type pg from 'pg';
import { type Deployment, makeTenant, root, startDeployment, type Tenant, withClient } from '../support/deployment.ts';
import { es256Issuer } from '../support/issuers.ts';
import { heading, line, median, ms, note } from '../support/report.ts';

/** Rows of each of the tables. */
const rows = Number(process.env['BENCH_ROWS'] ?? 300_000);
/** Rows that a page may look at, with those of its own that it reads twice, and a few that it needs for the caller. */
const mostRead = 2_500;
/** Times that each list is asked for. */
const times = 5;

const base32 = '0123456789abcdefghjkmnpqrstvwxyz';
/** The milliseconds of a time, as the ten first characters of an id: five bits in each. */
const idOfTime = Array.from({ length: 10 }, (_, n) => 5 * (9 - n))
  .map((shift) => `substr('${base32}', ((ms >> ${shift}) & 31)::int + 1, 1)`)
  .join(' || ');

/**
 * Rows of sixty days. Half are of one user and half in one space; a thousand are of the user and the action `rare`. In a
 * hundred of the oldest the token lasts until tomorrow, so it can be used. One ban in ten is not lifted.
 */
const made = `select n, at, user_id, space_id, ${idOfTime} || lpad(n::text, 16, '0') as number
  from generate_series(1, $2::int) n,
       lateral (select now() - interval '60 days' * (1 - n / $2::float) as at) a,
       lateral (select (extract(epoch from at) * 1000)::bigint as ms,
                       case when n % 2 = 0 then 'often' when n < 2000 then 'rare' else 'user-' || n % 50000 end as user_id,
                       ($3::text[])[case when n % 2 = 0 then 1 else 2 + n % (cardinality($3::text[]) - 1) end] as space_id) b`;

const inserts: Record<string, string> = {
  audit: `insert into audit (tenant_id, id, at, caller, action, space_id, user_id, request_id, seq)
    select $1, 'aud_' || number, at, '{"kind":"system","id":"bench"}', case when n < 2000 then 'rare' else 'space.join' end,
           space_id, user_id, 'bench', n - $2::int - 1 from made`,
  grants: `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, state, issued_at, expires_at, session_expires_at)
    select $1, 'grt_' || number, space_id, user_id, user_id, 'stage', 'speaker', '{PUBLISH,SUBSCRIBE}',
           case when n % 1000 = 1 then 'revoked' when n % 1000 = 3 then 'watched' else 'released' end, at, expires, expires
      from made, lateral (select case when n <= 100 then now() + interval '1 day' else at + interval '10 minutes' end as expires) e`,
  bans: `insert into bans (tenant_id, id, user_id, space_id, created_by, created_at, lifted_at)
    select $1, 'ban_' || number, user_id, space_id, '{"kind":"apiKey","id":"bench"}', at, case when n % 10 <> 0 then at end from made`,
};

export async function lists(): Promise<void> {
  heading(`Lists beside ${rows.toLocaleString('en')} rows in each of ${Object.keys(inserts).join(', ')} (BENCH_ROWS)`);
  const folder = mkdtempSync(path.join(os.tmpdir(), 'stagedoor-statements-'));
  const deployment = await startDeployment();
  try {
    const tenant = await makeTenant(deployment, 'listed', {
      issuers: [es256Issuer('https://es256.example')],
      spaces: 20,
    });
    await withClient(deployment.superuserUrl, (client) => fill(client, tenant));
    const log = path.join(folder, 'statements');
    const preloaded = ['--import', path.join(root, 'bench/support/statement-log.mjs')];
    await deployment.restart({ STATEMENT_LOG: log }, preloaded);
    await withClient(deployment.serviceUrl, (client) => measure(deployment, tenant, { client, log }));
  } finally {
    await deployment.stop();
    rmSync(folder, { recursive: true });
  }
}

/** A connection of the serving role, and the file with the statements that the service sends. */
interface Replay {
  client: pg.Client;
  log: string;
}

/**
 * Fills the tables, and builds their indexes afterwards, as a migration of a full table does. The rows refer to a tenant and
 * spaces that exist, so foreign keys are not checked for each of them. Afterwards the tables are as the service has them.
 */
async function fill(client: pg.Client, tenant: Tenant): Promise<void> {
  const { rows: indexes } = await client.query<{ name: string; sql: string }>(
    `select indexname as name, indexdef as sql from pg_indexes
      where schemaname = 'public' and tablename = any ($1) and indexdef not like 'CREATE UNIQUE%'`,
    [Object.keys(inserts)],
  );
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  await client.query(`set synchronous_commit = off`);
  await client.query(`set session_replication_role = replica`);
  await client.query(`set maintenance_work_mem = '512MB'`);
  for (const [table, insert] of Object.entries(inserts)) {
    const began = performance.now();
    await client.query(`with made as (${made}) ${insert}`, [tenant.id, rows, tenant.spaceIds]);
    line(`to fill ${table}`, ms(performance.now() - began));
  }
  for (const { name, sql } of indexes) {
    const began = performance.now();
    await client.query(sql);
    line(`to build ${name}`, ms(performance.now() - began));
  }
  await client.query('vacuum analyze');
}

async function measure({ url }: Deployment, tenant: Tenant, replay: Replay): Promise<void> {
  const [spaceId = ''] = tenant.spaceIds;
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  const values = { userId: ['often', 'rare', 'nobody'], spaceId: [spaceId] };
  const all: Record<string, Record<string, string[]>> = {
    audit: { ...values, action: ['space.join', 'rare', 'nope'], since: [yesterday] },
    grants: { ...values, state: ['live', 'watched', 'revoked', 'expired'], live: ['true'] },
    bans: { ...values, active: ['true', 'false'] },
    spaces: {},
  };
  note(
    `The median of ${times}, of the first page of 50. Then: entries in it, and whether there is a next page; and the rows`,
  );
  note('and index entries, and the buffers, that Postgres read for one of them.');
  for (const [list, filters] of Object.entries(all)) {
    let queries = [''];
    for (const [name, given] of Object.entries(filters)) {
      queries = queries.flatMap((query) => [query, ...given.map((value) => `${query}&${name}=${value}`)]);
    }
    const worst = { ms: 0, read: 0, buffers: 0 };
    for (const query of queries) {
      const found = await time(
        tenant,
        `${url}/v1/${list}?limit=50${query}`,
        `${list} ${query.replace(spaceId, 'big')}`,
        replay,
      );
      for (const what of ['ms', 'read', 'buffers'] as const) worst[what] = Math.max(worst[what], found[what]);
    }
    line(`${list}: the most of ${queries.length}`, ms(worst.ms), `${worst.read} rows, ${worst.buffers} buffers`);
  }
}

async function time(
  tenant: Tenant,
  address: string,
  what: string,
  replay: Replay,
): Promise<{ ms: number; read: number; buffers: number }> {
  const where = address.slice(new URL(address).origin.length);
  const taken: number[] = [];
  let failed = 0;
  let page: { data: unknown[]; nextCursor: string | null } = { data: [], nextCursor: null };
  for (let n = 0; n < times; n++) {
    writeFileSync(replay.log, '');
    const began = performance.now();
    try {
      page = await tenant.api.call('GET', where);
    } catch (error) {
      failed++; // a list that is too slow is a result, and no reason to measure nothing else
      if (failed === 1) note(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    }
    taken.push(performance.now() - began);
  }
  const { read, buffers } = await readAgain(replay);
  const found = `${page.data.length} entries${page.nextCursor === null ? '' : ', and more'}`;
  const counted = `${read} rows${read > mostRead ? ' (TOO MANY)' : ''}, ${buffers} buffers`;
  line(what, ms(median(taken)), `${found}; ${counted}${failed > 0 ? `; ${failed} of ${times} FAILED` : ''}`);
  return { ms: median(taken), read, buffers };
}

const counters = `select
    coalesce(sum(pg_stat_get_xact_tuples_returned(oid)), 0)::integer as read,
    coalesce(sum(pg_stat_get_xact_blocks_fetched(oid)), 0)::integer as buffers
  from pg_class where relkind in ('r', 'i') and relnamespace = 'public'::regnamespace`;

/** Runs again what the service has sent last, and counts what Postgres reads for the statements of the list. */
async function readAgain({ client, log }: Replay): Promise<{ read: number; buffers: number }> {
  const count = async () =>
    (await client.query<{ read: number; buffers: number }>(counters)).rows[0] ?? { read: 0, buffers: 0 };
  const sent = readFileSync(log, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((text) => JSON.parse(text) as [string, unknown[]]);
  const total = { read: 0, buffers: 0 };
  await client.query('begin');
  for (const [text, values] of sent.filter(([text]) => /^\s*select/i.test(text))) {
    // The service's own work goes over the same connections.
    const isOfList = text.includes('page_of_') || /"public"\."(audit|grants|bans|spaces)"/.test(text);
    const before = await count();
    await client.query(text, values);
    const after = await count();
    if (!isOfList) continue;
    total.read += after.read - before.read;
    total.buffers += after.buffers - before.buffers;
  }
  await client.query('rollback');
  return total;
}
