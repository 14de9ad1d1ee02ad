/** The time of each list of the API, with each filter and with several, beside millions of rows of the tenant. */
import type pg from 'pg';
import { type Deployment, makeTenant, startDeployment, type Tenant, withClient } from '../support/deployment.ts';
import { es256Issuer } from '../support/issuers.ts';
import { heading, line, median, ms, note } from '../support/report.ts';

/** Rows of each of the tables. */
const rows = Number(process.env['BENCH_ROWS'] ?? 300_000);
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
    select $1, 'aud_' || number, at, '{"kind":"system","id":"bench"}', case when n < 2000 then 'rare' else 'vend' end,
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
  const deployment = await startDeployment();
  try {
    const tenant = await makeTenant(deployment, 'listed', {
      issuers: [es256Issuer('https://es256.example')],
      spaces: 20,
    });
    await withClient(deployment.superuserUrl, (client) => fill(client, tenant));
    await measure(deployment, tenant);
  } finally {
    await deployment.stop();
  }
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

async function measure({ url }: Deployment, tenant: Tenant): Promise<void> {
  const [spaceId = ''] = tenant.spaceIds;
  const yesterday = new Date(Date.now() - 86_400_000).toISOString();
  const values = { userId: ['often', 'rare', 'nobody'], spaceId: [spaceId] };
  const all: Record<string, Record<string, string[]>> = {
    audit: { ...values, action: ['vend', 'rare', 'nope'], since: [yesterday] },
    grants: { ...values, state: ['live', 'watched', 'revoked', 'expired'], live: ['true'] },
    bans: { ...values, active: ['true', 'false'] },
    spaces: {},
  };
  note(`The median of ${times}, of the first page of 50. Then: entries in it, and whether there is a next page.`);
  for (const [list, filters] of Object.entries(all)) {
    let queries = [''];
    for (const [name, given] of Object.entries(filters)) {
      queries = queries.flatMap((query) => [query, ...given.map((value) => `${query}&${name}=${value}`)]);
    }
    for (const query of queries)
      await time(tenant, `${url}/v1/${list}?limit=50${query}`, `${list} ${query.replace(spaceId, 'big')}`);
  }
}

async function time(tenant: Tenant, address: string, what: string): Promise<void> {
  const path = address.slice(new URL(address).origin.length);
  const taken: number[] = [];
  let refused = 0;
  let page: { data: unknown[]; nextCursor: string | null } = { data: [], nextCursor: null };
  for (let n = 0; n < times; n++) {
    const began = performance.now();
    try {
      page = await tenant.api.call('GET', path);
    } catch (error) {
      if (!String(error).includes('503')) throw error;
      refused++; // a list that is too slow is a result, and no reason to measure nothing else
    }
    taken.push(performance.now() - began);
  }
  const found = `${page.data.length} entries${page.nextCursor === null ? '' : ', and more'}`;
  line(what, ms(median(taken)), refused > 0 ? `${found}; ${refused} of ${times} answers were 503` : found);
}
