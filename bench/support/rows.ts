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
import { functionSchema } from './functions.ts';
import { addSigningKeys } from './bulk-data.ts';
import { makeDatabase, root, withClient } from './deployment.ts';
import type { Issuer } from './issuers.ts';
import { note } from './report.ts';

export const tenants = 200;
/** Spaces of each tenant. Half of its vends are into the first one. */
export const spaces = 20;
/** Tenants, the first ones, whose last space has a capacity. */
export const tenantsWithCapacity = 10;
/** Days that the rows are of. It is less than the days for which grants are kept, so nothing is deleted by itself. */
const days = 80;
/** Bytes of disk for a grant, with its part of the other tables and of what is needed while indexes are built. */
const bytesOfGrant = 1_450;
/** Bytes of disk that stay free. */
const sparedBytes = 15e9;
/** Rows of vends that one statement makes. */
const vendsAtOnce = 250_000;
/** Entries of a tenant between two checkpoints, as the service makes them. */
const entriesOfCheckpoint = 5_000;

/** Numbers a tenant, a space of one and a user of one, as the rows name them. */
export const tenantId = (tenant: number) => `ten_01m0${digits(tenant)}`;
export const spaceId = (tenant: number, space: number) => `spc_01m0${digits(tenant * 100 + space)}`;
export const issuerName = (tenant: number) => `https://rows-${tenant}.example`;
const keyId = (tenant: number) => `sgk_01m0${digits(tenant)}`;
const digits = (n: number) => String(n).padStart(22, '0');

/** Number of users of a tenant. The first tenant is large, nine are of middle size, and the others are small. */
export const usersOf = (tenant: number) => (tenant === 0 ? 50_000 : tenant < 10 ? 10_000 : 1_000);

/** Users of whom nobody was ever banned: nine of ten. */
export const isSpared = (user: number) => user % 10 !== 7;

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
const shape = 1;

/**
 * Fills a database, or takes the one that is in the folder already.
 * @param rows number of grants.
 */
export async function fillRows(folder: string, rows: number): Promise<Rows> {
  const dataDir = path.join(folder, 'postgres');
  const file = path.join(folder, 'rows.json');
  if (existsSync(file)) {
    const saved = JSON.parse(readFileSync(file, 'utf8')) as Saved;
    if (saved.rows === rows && saved.shape === shape) return { dataDir, masterKey: Buffer.from(saved.masterKey, 'base64') };
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
    for (const setting of ["wal_level = 'minimal'", 'max_wal_senders = 0', 'fsync = off', "max_wal_size = '4GB'", 'autovacuum = off'])
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
  writeFileSync(file, JSON.stringify({ rows, masterKey: masterKey.toString('base64'), shape } satisfies Saved), { mode: 0o600 });
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
  await client.query(`create function bench_tenant(n int) returns text language sql immutable as $$ select 'ten_01m0' || lpad(n::text, 22, '0') $$`);
  await client.query(`create function bench_space(t int, s int) returns text language sql immutable as $$ select 'spc_01m0' || lpad((t * 100 + s)::text, 22, '0') $$`);
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

const base32 = '0123456789abcdefghjkmnpqrstvwxyz';
/** The milliseconds of a time, as the first ten characters of an id: five bits in each. */
const clockOf = Array.from({ length: 10 }, (_, n) => 5 * (9 - n))
  .map((shift) => `substr('${base32}', ((ms >> ${shift}) & 31)::int + 1, 1)`)
  .join(' || ');
/** A number below 2^31 that depends on the vend, and on what it is for. */
const dice = (seed: number) => `(hashint8extended(v, ${seed}) & 2147483647)`;

/** The functions that make the rows. A vend has a number; everything about it follows from that. */
async function makeFunctions(client: pg.Client, vends: number): Promise<void> {
  await client.query(`create table bench_begin as select date_trunc('milliseconds', now() - interval '${days} days') as begins`);
  // Two of five vends are of the first tenant. One vend in a hundred of a tenant is of the user 'often'. `offset 0` keeps the planner
  // from computing a column again wherever it is used.
  await client.query(`
    create function bench_vends(p_from bigint, p_to bigint)
    returns table (v bigint, at timestamptz(3), tenant_n int, tenant_id text, space_id text, user_n int, user_id text, clock text,
                   digits text, key_id text, fate int, is_acted boolean, is_long boolean, is_held boolean)
    language sql stable as $$
      select v, at, t, bench_tenant(t), bench_space(t, s), u, case when u < 0 then 'often' else 'user-' || u end, ${clockOf},
             lpad(v::text, 15, '0'), 'sgk_01m0' || lpad(t::text, 22, '0'), (${dice(8)} % 10)::int,
             is_acted, is_long, is_acted and is_long and ${dice(8)} % 10 = 0 and at + interval '14 days' > begins + interval '${days} days'
        from generate_series(p_from, p_to) as g (v)
             cross join bench_begin
             cross join lateral (select date_trunc('milliseconds', begins + g.v::float8 / ${vends} * interval '${days} days') as at offset 0) a
             cross join lateral (select (extract(epoch from at) * 1000)::bigint as ms,
                    (case when ${dice(1)} % 10 < 4 then 0 when ${dice(1)} % 10 < 6 then 1 + ${dice(2)} % 9 else 10 + ${dice(2)} % ${tenants - 10} end)::int as t offset 0) b
             cross join lateral (select (case when ${dice(3)} % 2 = 0 then 0 else 1 + ${dice(3)} / 2 % ${spaces - 2} end)::int as s,
                    (case when ${dice(4)} % 100 = 0 then -1
                          else ${dice(5)} % case when t = 0 then ${usersOf(0)} when t < 10 then ${usersOf(1)} else ${usersOf(10)} end end)::int as u offset 0) c
             cross join lateral (select u >= 0 and u % 10 = 7 and ${dice(6)} % 20 = 0 as is_acted) d
             cross join lateral (select ${dice(7)} % 500 = 0 or (is_acted and ${dice(8)} % 10 = 0 and t < 10) as is_long) e
    $$`);
  // Half of the vends are joins, which make a chat grant too.
  await client.query(`
    create function bench_grants(p_from bigint, p_to bigint) returns void language sql as $$
      insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, mint, signing_key_id, participant_id,
                          capabilities, state, issued_at, checked_at, expires_at, session_expires_at, turn)
      select tenant_id, 'grt_' || clock || h.letter || digits, space_id, user_id, user_id, h.kind, 'speaker', h.mint,
             case h.kind when 'stage' then key_id end, case h.kind when 'stage' then substr(md5(v::text), 1, 16) end, h.capabilities,
             case when is_held and h.kind = 'stage' then 'watched'
                  when is_acted then 'revoked' when ${dice(9)} % 200 = 0 then 'refused' else 'released' end,
             at, at, case when h.kind = 'chat' then at + interval '1 minute' when is_long then at + interval '14 days' else at + interval '10 minutes' end,
             case when h.kind = 'chat' then at + interval '1 hour' when is_long then at + interval '14 days' else at + interval '10 minutes' end, v
        from bench_vends(p_from, p_to)
             cross join (values ('s', 'stage', 'key-pair', '{PUBLISH,SUBSCRIBE}'::text[]), ('c', 'chat', 'ivs', '{SEND_MESSAGE}')) as h (letter, kind, mint, capabilities)
       where h.kind = 'stage' or v % 2 = 0
    $$`);
  const { schema } = await functionSchema();
  await client.query(`
    create function bench_next_hash(state bytea, prior bytea, entry audit) returns bytea language sql immutable
      as 'select ${schema}.audit_digest(coalesce(state, prior), entry)';
    create aggregate bench_hash (bytea, audit) (sfunc = bench_next_hash, stype = bytea);
    create table bench_chain (tenant_id text primary key, seq bigint not null, hash bytea not null)`);
  await client.query(`
    create function bench_audit(p_from bigint, p_to bigint) returns void language sql as $$
      with placed as (
             select m.*, c.hash as prior, coalesce(c.seq, 0) + row_number() over (partition by m.tenant_id order by m.v) as seq
               from bench_vends(p_from, p_to) as m left join bench_chain as c on c.tenant_id = m.tenant_id),
           entries as (
             select v, prior,
                    row(tenant_id, 'aud_' || clock || 'a' || digits, at, jsonb_build_object('kind', 'user', 'id', user_id),
                        case v % 2 when 0 then 'space.join' else 'stageToken.create' end, space_id, user_id, null,
                        jsonb_strip_nulls(jsonb_build_object('role', 'speaker', 'stageGrant', 'grt_' || clock || 's' || digits,
                                                             'chatGrant', case v % 2 when 0 then 'grt_' || clock || 'c' || digits end)),
                        'req_' || digits, seq, null)::audit as entry
               from placed),
           hashed as (
             select v, entry, bench_hash(prior, entry) over (partition by (entry).tenant_id order by (entry).seq) as hash from entries),
           kept as (
             insert into audit (tenant_id, id, at, caller, action, space_id, user_id, subject, details, request_id, seq, hash)
             select (entry).tenant_id, (entry).id, (entry).at, (entry).caller, (entry).action, (entry).space_id, (entry).user_id,
                    (entry).subject, (entry).details, (entry).request_id, (entry).seq, hash
               from hashed order by v)
      insert into bench_chain
      select distinct on ((entry).tenant_id) (entry).tenant_id, (entry).seq, hash from hashed order by (entry).tenant_id, (entry).seq desc
      on conflict (tenant_id) do update set seq = excluded.seq, hash = excluded.hash
    $$`);
  // A moderator has banned one user of a vend in 200, and put them out once more: one ban in ten is in force.
  await client.query(`
    create function bench_acts() returns void language plpgsql as $$ begin
      create table bench_acted as
        select *, case when fate = 0 and v % 2 = 0 then null when fate = 0 then now() + interval '30 days' else at + interval '1 hour' end as ends
          from bench_vends(1, ${vends}) where is_acted;
      insert into bans (tenant_id, id, user_id, space_id, created_by, created_at, expires_at, lifted_at, expiry_told)
      select tenant_id, 'ban_' || clock || 'b' || digits, user_id, case when v % 3 = 0 then space_id end, '{"kind":"apiKey","id":"bench"}', at,
             ends, case when fate between 1 and 3 then at + interval '30 minutes' end, coalesce(ends <= now(), false)
        from bench_acted;
      insert into actions (tenant_id, id, kind, space_id, user_id, ban_id, requested_by, created_at, requested_at, silenced_at, delivery_told, look_again_at)
      select tenant_id, 'act_' || clock || k.letter || digits, k.kind, space_id, user_id,
             case k.letter when 'b' then 'ban_' || clock || 'b' || digits end, '{"kind":"apiKey","id":"bench"}', at, at, at, true, at
        from bench_acted cross join (values ('b', 'ban'), ('d', 'user.disconnect')) as k (letter, kind);
      insert into deliveries (tenant_id, action_id, space_id, account, operation, arn, target, grant_id, state, attempts, next_at, needed_until, needed_since, done_at)
      select tenant_id, 'act_' || clock || k.letter || digits, space_id, 'own us-east-1', k.operation,
             case k.operation when 'DisconnectUser' then 'arn:aws:ivschat:us-east-1:111122223333:room/rows' else 'arn:aws:ivs:us-east-1:111122223333:stage/rows' end,
             case k.operation when 'DisconnectUser' then user_id else substr(md5(v::text), 1, 16) end, 'grt_' || clock || 's' || digits,
             case when v % 3 = 0 then 'not_connected' else 'done' end, 1, at, at + interval '1 day', at, at
        from bench_acted
             cross join (values ('b', 'DisconnectParticipant'), ('b', 'DisconnectUser'), ('d', 'DisconnectParticipant')) as k (letter, operation);
      insert into holds (tenant_id, grant_id, action_id, space_id, watch_for, watch_from, until, kind, ivs_user_id, participant_id, expires_at)
      select tenant_id, 'grt_' || clock || 's' || digits, 'act_' || clock || 'b' || digits, space_id, 'banned', at, ends, 'stage', user_id,
             substr(md5(v::text), 1, 16), at + interval '14 days'
        from bench_acted where is_held;
      insert into watches (tenant_id, space_id, next_at) select distinct tenant_id, space_id, now() from holds;
    end $$`);
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
