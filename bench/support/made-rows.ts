/**
 * SQL functions that make the rows of a database of years. A vend has a number, and everything about it follows from that: so each
 * table is filled by itself.
 */
import type pg from 'pg';

import { functionSchema } from './functions.ts';
import { days, recent, spaces, tenants, usersOf } from './row-shape.ts';

const base32 = '0123456789abcdefghjkmnpqrstvwxyz';
/** The milliseconds of a time, as the first ten characters of an id: five bits in each. */
const clockOf = Array.from({ length: 10 }, (_, n) => 5 * (9 - n))
  .map((shift) => `substr('${base32}', ((ms >> ${shift}) & 31)::int + 1, 1)`)
  .join(' || ');
/** A number below 2^31 that depends on the vend, and on what it is for. */
const dice = (seed: number) => `(hashint8extended(v, ${seed}) & 2147483647)`;

/** @param vends how many there are in all. */
export async function makeFunctions(client: pg.Client, vends: number): Promise<void> {
  await makeVends(client, vends);
  await makeLedger(client);
  await makeActs(client, vends);
}

async function makeVends(client: pg.Client, vends: number): Promise<void> {
  await client.query(
    `create table bench_begin as select date_trunc('milliseconds', now() - interval '${days} days') as begins`,
  );
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
             cross join lateral (select date_trunc('milliseconds', begins + interval '1 day' * case
               when g.v > ${vends - recent.vends} then ${days} - ${recent.days} * (${vends} - g.v)::float8 / ${recent.vends}
               else ${days - recent.days} * g.v::float8 / ${Math.max(1, vends - recent.vends)} end) as at offset 0) a
             cross join lateral (select (extract(epoch from at) * 1000)::bigint as ms,
                    (case when ${dice(1)} % 10 < 4 then 0 when ${dice(1)} % 10 < 6 then 1 + ${dice(2)} % 9 else 10 + ${dice(2)} % ${tenants - 10} end)::int as t offset 0) b
             cross join lateral (select (case when ${dice(3)} % 2 = 0 then 0 else 1 + ${dice(3)} / 2 % ${spaces - 2} end)::int as s,
                    (case when ${dice(4)} % 100 = 0 then -1
                          else ${dice(5)} % case when t = 0 then ${usersOf(0)} when t < 10 then ${usersOf(1)} else ${usersOf(10)} end end)::int as u offset 0) c
             cross join lateral (select u >= 0 and u % 10 = 7 and ${dice(6)} % 20 = 0 as is_acted) d
             cross join lateral (select ${dice(7)} % 500 = 0 or (is_acted and ${dice(8)} % 10 = 0 and t < 10) as is_long) e
    $$`);
}

async function makeLedger(client: pg.Client): Promise<void> {
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
}

async function makeActs(client: pg.Client, vends: number): Promise<void> {
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
