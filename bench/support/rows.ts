/**
 * A database of a deployment that has run for years: many tenants, users and spaces, and grants and audit entries of which almost
 * all are over. The rows are made by Postgres itself and put into the real tables. Indexes and keys are dropped
 * meanwhile and built afterwards, so the rows satisfy every constraint, and the hash chain of each tenant is whole.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import pg from 'pg';

import { startPostgres } from '../../dev/postgres.ts';
import type { auditKeyOf as AuditKeyOf } from '../../src/secrets/audit-key.ts';
import type { signed as Signed } from '../../src/audit/checkpoint.ts';
import { addSigningKeys } from './bulk-data.ts';
import { makeDatabase, root, withClient } from './deployment.ts';
import type { Issuer } from './issuers.ts';
import { makeFunctions } from './made-rows.ts';
import { note } from './report.ts';
import { keyId, spaces, tenantId, tenants, tenantsWithCapacity } from './row-shape.ts';

/** Bytes of disk for a grant, with its part of the other tables and of what is needed while indexes are built. */
const bytesOfGrant = 1_450;
/** Bytes of disk that stay free. */
const sparedBytes = 15e9;
/** Rows of vends that one statement makes. */
const vendsAtOnce = 250_000;
/** Entries of a tenant between two checkpoints, as the service makes them. */
const entriesOfCheckpoint = 5_000;

/** A folder with such a database. */
export interface Rows {
  dataDir: string;
  masterKey: Buffer;
}

interface Saved {
  rows: number;
  masterKey: string;
  shape: number;
}

/** Changes with what the rows are, so that a folder with others is not taken. */
const shape = 2;

/**
 * Fills a database, or takes the one that is in the folder already.
 * @param rows number of grants.
 */
export async function fillRows(folder: string, rows: number): Promise<Rows> {
  const dataDir = path.join(folder, 'postgres');
  const file = path.join(folder, 'rows.json');
  if (existsSync(file)) {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as Saved;
    if (saved.rows === rows && saved.shape === shape)
      return { dataDir, masterKey: Buffer.from(saved.masterKey, 'base64') };
    throw new Error(`${folder} has other rows than ${rows} grants. Remedy: remove it, or name another folder.`);
  }
  mkdirSync(folder, { recursive: true, mode: 0o711 });
  const { bavail, bsize } = statfsSync(folder);
  if (bavail * bsize - rows * bytesOfGrant < sparedBytes) {
    throw new Error(
      `${rows} grants take up to ${gb(rows * bytesOfGrant)}, and ${gb(sparedBytes)} must stay free; ${gb(bavail * bsize)} are free. Remedy: set BENCH_ROWS to less.`,
    );
  }
  rmSync(dataDir, { recursive: true, force: true });
  const masterKey = randomBytes(32);
  const options = { dataDir, durable: true, password: 'bench' };
  let postgres = await startPostgres(options);
  await makeDatabase(postgres);
  await withClient(postgres.url('stagedoor'), async (client) => {
    // A table that is emptied and filled in one transaction, and an index of it, need no WAL then.
    for (const setting of [
      "wal_level = 'minimal'",
      'max_wal_senders = 0',
      'fsync = off',
      "max_wal_size = '4GB'",
      'autovacuum = off',
    ])
      await client.query(`alter system set ${setting}`);
  });
  await postgres.stop();
  postgres = await startPostgres(options);
  try {
    await fill(postgres.url('stagedoor'), rows, masterKey);
    await withClient(postgres.url('stagedoor'), async (client) => {
      await client.query('alter system reset all');
      await client.query('checkpoint');
    });
  } finally {
    await postgres.stop();
  }
  spawnSync('sync'); // what was not synced above
  writeFileSync(file, JSON.stringify({ rows, masterKey: masterKey.toString('base64'), shape } satisfies Saved), {
    mode: 0o600,
  });
  return { dataDir, masterKey };
}

/** Lets the tenants trust an issuer that this run has the key of. */
export async function trust(client: pg.Client, issuer: Issuer): Promise<void> {
  const { jwks } = issuer.registration as { jwks: object };
  await client.query('update issuers set jwks = $1, version = version + 1', [JSON.stringify(jwks)]);
}

async function fill(url: string, rows: number, masterKey: Buffer): Promise<void> {
  const vends = Math.round((rows * 2) / 3);
  const began = performance.now();
  const say = (what: string) => note(`${what}: ${((performance.now() - began) / 1_000).toFixed(0)} s`);
  await withClient(url, async (client) => {
    await makeTenants(client, masterKey);
    await makeFunctions(client, vends);
    const tables = ['grants', 'audit', 'bans', 'actions', 'deliveries', 'holds', 'watches'];
    await withoutKeys(client, tables, say, async () => {
      await Promise.all([
        inChunks(url, 'grants', vends, 'select bench_grants($1, $2)'),
        inChunks(url, 'audit', vends, 'select bench_audit($1, $2)'),
      ]);
      say('grants and audit entries');
      await client.query('select bench_acts()');
      say('acts');
    });
    await sign(client, masterKey);
    await fillPlaces(client);
    await client.query('vacuum analyze');
    say('vacuum');
  });
}

async function makeTenants(client: pg.Client, masterKey: Buffer): Promise<void> {
  const last = tenants - 1;
  await client.query(
    `create function bench_tenant(n int) returns text language sql immutable as $$ select 'ten_01m0' || lpad(n::text, 22, '0') $$`,
  );
  await client.query(
    `create function bench_space(t int, s int) returns text language sql immutable as $$ select 'spc_01m0' || lpad((t * 100 + s)::text, 22, '0') $$`,
  );
  await client.query(`insert into tenants (id, slug, name, region)
    select bench_tenant(n), 'rows-' || n, 'Rows ' || n, 'us-east-1' from generate_series(0, ${last}) n`);
  await client.query(`insert into roles (tenant_id, name, stage_capabilities, stage_ttl_seconds, chat_capabilities, chat_session_minutes)
    select bench_tenant(n), 'speaker', '{PUBLISH,SUBSCRIBE}', 600, '{SEND_MESSAGE}', 60 from generate_series(0, ${last}) n`);
  await client.query(`insert into roles (tenant_id, name, stage_capabilities, stage_ttl_seconds, moderator, rank)
    select bench_tenant(n), 'moderator', '{PUBLISH,SUBSCRIBE}', 600, true, 50 from generate_series(0, ${last}) n`);
  await client.query(`insert into issuers (tenant_id, id, issuer, audience, jwks, algorithms, claims)
    select bench_tenant(n), 'iss_01m0' || lpad(n::text, 22, '0'), 'https://rows-' || n || '.example', 'bench', '{"keys":[]}', '{ES256}', '{"userId":"sub"}'
      from generate_series(0, ${last}) n`);
  await client.query(
    `insert into spaces (tenant_id, id, name, default_role, capacity, stage_arn, room_arn, stage_endpoints, stage_endpoints_at, ready_at)
     select bench_tenant(t), bench_space(t, s), 'Rows', 'speaker', case when t < ${tenantsWithCapacity} and s = ${spaces - 1} then 10000 end,
            'arn:aws:ivs:us-east-1:111122223333:stage/rows' || t || 'x' || s, 'arn:aws:ivschat:us-east-1:111122223333:room/rows' || t || 'x' || s,
            '{"events":"wss://global.events.live-video.net","whip":"https://global.whip.live-video.net"}', now(), now()
       from generate_series(0, ${last}) t, generate_series(0, ${spaces - 1}) s`,
  );
  await client.query(`insert into members (tenant_id, space_id, user_id, role)
    select bench_tenant(t), bench_space(t, s), 'host-' || n, 'moderator'
      from generate_series(0, ${last}) t, generate_series(0, ${spaces - 1}) s, generate_series(1, 5) n`);
  const keys = Array.from({ length: tenants }, (_, n) => ({ tenantId: tenantId(n), id: keyId(n) }));
  await addSigningKeys(client, masterKey, keys);
}

/** Fills a table that nobody else uses, in one transaction, so that it needs no WAL. */
async function inChunks(url: string, table: string, vends: number, statement: string): Promise<void> {
  await withClient(url, async (client) => {
    await client.query(`set work_mem = '256MB'; begin; truncate ${table}`);
    for (let from = 1; from <= vends; from += vendsAtOnce)
      await client.query(statement, [from, Math.min(from + vendsAtOnce - 1, vends)]);
    await client.query('commit');
  });
}

/** Signs the checkpoints that the service would have made. */
async function sign(client: pg.Client, masterKey: Buffer): Promise<void> {
  const { auditKeyOf } = (await import(`${root}/dist/secrets/audit-key.js`)) as { auditKeyOf: typeof AuditKeyOf };
  const { signed } = (await import(`${root}/dist/audit/checkpoint.js`)) as { signed: typeof Signed };
  const key = auditKeyOf(masterKey);
  const { rows } = await client.query<{ tenant_id: string; seq: string; hash: Buffer }>(
    `select a.tenant_id, a.seq, a.hash from bench_chain c
       join audit a on a.tenant_id = c.tenant_id and (a.seq % ${entriesOfCheckpoint} = 0 or a.seq = c.seq)`,
  );
  const at = new Date();
  const places = rows.map(({ tenant_id, seq, hash }) =>
    signed({ tenantId: tenant_id, kind: 'head', seq: BigInt(seq), hash, at }, key),
  );
  await client.query(
    `insert into audit_checkpoints (tenant_id, seq, is_cut, hash, at, key, signature)
     select t, s, false, h, $4, $5, g from unnest($1::text[], $2::bigint[], $3::bytea[], $6::bytea[]) as c (t, s, h, g)`,
    [
      places.map(({ tenantId }) => tenantId),
      places.map(({ seq }) => String(seq)),
      places.map(({ hash }) => hash),
      at,
      places[0]?.key,
      places.map(({ signature }) => signature),
    ],
  );
}

/** A thousand people are inside each space with a capacity. The service counts them when it is asked. */
async function fillPlaces(client: pg.Client): Promise<void> {
  await client.query(
    `insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, participant_id, capabilities, state, expires_at, session_expires_at)
     select bench_tenant(t), 'grt_inside' || t || 'x' || n, bench_space(t, ${spaces - 1}), 'inside-' || n, 'inside-' || n, 'stage', 'speaker',
            'key-pair', 'inside' || t || 'x' || n, '{PUBLISH,SUBSCRIBE}', 'released', now() + interval '14 days', now() + interval '14 days'
       from generate_series(0, ${tenantsWithCapacity - 1}) t, generate_series(1, 1000) n`,
  );
}

/** Drops all indexes, keys and references of these tables, and makes them again after the work. */
async function withoutKeys(
  client: pg.Client,
  tables: string[],
  say: (what: string) => void,
  work: () => Promise<void>,
): Promise<void> {
  const keys = await client.query<{ of: string; name: string; kind: string; def: string }>(
    `select conrelid::regclass::text as of, quote_ident(conname) as name, contype as kind, pg_get_constraintdef(oid) as def from pg_constraint
      where contype in ('f', 'p', 'u') and (conrelid = any ($1::regclass[]) or confrelid = any ($1::regclass[]))
      order by contype = 'f', conname`,
    [tables],
  );
  const indexes = await client.query<{ name: string; def: string }>(
    `select indexrelid::regclass::text as name, pg_get_indexdef(indexrelid) as def from pg_index i
      where indrelid = any ($1::regclass[]) and not exists (select from pg_constraint where conindid = indexrelid and contype in ('p', 'u'))
      order by 1`,
    [tables],
  );
  const before = await definitions(client, tables);
  for (const { of, name } of keys.rows.toReversed()) await client.query(`alter table ${of} drop constraint ${name}`);
  for (const { name } of indexes.rows) await client.query(`drop index ${name}`);
  await work();
  await client.query(`set maintenance_work_mem = '1GB'`);
  for (const { of, name, kind, def } of keys.rows) {
    if (kind !== 'f') await client.query(`alter table ${of} add constraint ${name} ${def}`);
  }
  say('keys');
  for (const { def } of indexes.rows) await client.query(def);
  say('indexes');
  await client.query('analyze');
  for (const { of, name, kind, def } of keys.rows) {
    if (kind === 'f') await client.query(`alter table ${of} add constraint ${name} ${def}`);
  }
  say('references');
  const after = await definitions(client, tables);
  if (after !== before) throw new Error('the tables are not as they were before they were filled');
}

async function definitions(client: pg.Client, tables: string[]): Promise<string> {
  const { rows } = await client.query<{ def: string }>(
    `select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) as def from pg_constraint
      where conrelid = any ($1::regclass[]) or confrelid = any ($1::regclass[])
     union all select pg_get_indexdef(indexrelid) from pg_index where indrelid = any ($1::regclass[]) order by 1`,
    [tables],
  );
  return rows.map(({ def }) => def).join('\n');
}

const gb = (bytes: number) => `${Math.round(bytes / 1e9)} GB`;
