-- Stagedoor's tables, who may touch them, and the functions the vend path calls.
--
-- Three database roles:
--   the owner            runs migrations and owns everything; the service never connects as it
--   stagedoor_app        the group role whose members serve; row-level security holds it to one tenant a transaction
--   stagedoor_crossing   owns the few functions that must look across tenants; nobody logs in as it
--
-- Every tenant table has the tenant in each of its keys, row-level security enabled and forced, one permissive policy
-- ("serving": the service may work here) and one restrictive policy ("tenant": only on the rows of the tenant entered).

do $$
begin
  create role stagedoor_app nologin;
exception when duplicate_object or unique_violation then null;
end $$;
do $$
begin
  create role stagedoor_crossing nologin;
exception when duplicate_object or unique_violation then null;
end $$;
-- To hand functions over to stagedoor_crossing, the owner has to be able to become it.
do $$
begin
  execute format('grant stagedoor_crossing to %I', current_user);
exception when others then
  if not pg_has_role(current_user, 'stagedoor_crossing', 'member') then raise; end if;
end $$;

revoke create on schema public from public;
grant usage on schema public to stagedoor_app, stagedoor_crossing;
grant create on schema public to stagedoor_crossing; -- until the end of this file: a function's owner needs it

-- ---------------------------------------------------------------------------------------------------------- tables --

create table tenants (
  id text primary key,
  slug text not null unique,
  name text not null,
  status text not null default 'active' check (status in ('active', 'suspended')),
  region text not null,
  aws_role_arn text,
  aws_external_id text,
  ivs_user_ids text not null default 'plain' check (ivs_user_ids in ('plain', 'pseudonym')),
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  check ((aws_role_arn is null) = (aws_external_id is null))
);

-- What must be unique in the whole deployment, so that no tenant can take what is another's: the (issuer, audience)
-- pairs that select a tenant, and the ARNs of stages and rooms.
create table claims (
  kind text not null check (kind in ('issuer', 'stage', 'room')),
  value text not null,
  tenant_id text not null references tenants (id),
  primary key (kind, value)
);
create index claims_tenant on claims (tenant_id);

create table api_keys (
  tenant_id text not null references tenants (id),
  id text not null,
  name text not null,
  prefix text not null,
  hash bytea not null,
  scopes text[] not null,
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3),
  expires_at timestamptz(3),
  life_ms bigint, -- as it was given; rotated, the key ends earlier, and what takes its place has this life again
  revoked_at timestamptz(3),
  primary key (tenant_id, id),
  unique (tenant_id, hash)
);

create table issuers (
  tenant_id text not null references tenants (id),
  id text not null,
  issuer text not null,
  audience text not null,
  jwks_uri text,
  jwks jsonb,
  secret bytea,
  algorithms text[] not null,
  claims jsonb not null,
  user_id_prefix text not null default '',
  created_at timestamptz(3) not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, issuer, audience),
  check (num_nonnulls(jwks_uri, jwks, secret) = 1)
);
-- What find_issuers looks for, before anybody is known: anyone can make up tokens that cause it.
create index issuers_by_pair on issuers (issuer, audience);

create table roles (
  tenant_id text not null references tenants (id),
  name text not null,
  stage_capabilities text[] not null default '{}',
  stage_ttl_seconds integer,    -- null: the role has no part in stages
  chat_capabilities text[] not null default '{}',
  chat_session_minutes integer, -- null: the role has no part in chat
  moderator boolean not null default false,
  rank integer not null default 0,
  attributes jsonb not null default '{}',
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (tenant_id, name)
);

create table spaces (
  tenant_id text not null references tenants (id),
  id text not null,
  name text not null,
  status text not null default 'open' check (status in ('open', 'closed')),
  default_role text,
  capacity integer,
  frozen_at timestamptz(3), -- since when only moderators are given tokens
  metadata jsonb not null default '{}',
  stage_arn text,
  stage_endpoints jsonb,
  stage_endpoints_at timestamptz(3),
  stage_adopted boolean not null default false,
  room_arn text,
  room_adopted boolean not null default false,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  -- A space is recorded before its stage and room are created and after they are deleted; in between it is ready.
  ready_at timestamptz(3),
  deleted_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, default_role) references roles (tenant_id, name)
);
create index spaces_default_role on spaces (tenant_id, default_role);
-- What the reclaimer looks for: spaces whose creation or deletion did not reach its end.
create index spaces_unsettled on spaces (created_at)
  where ready_at is null or (deleted_at is not null and (stage_arn is not null or room_arn is not null));

create table members (
  tenant_id text not null references tenants (id),
  space_id text not null,
  user_id text not null,
  role text not null,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (tenant_id, space_id, user_id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id) on delete cascade,
  foreign key (tenant_id, role) references roles (tenant_id, name)
);
create index members_role on members (tenant_id, role);

-- A deleted space keeps its row, for the ledger; what it said about roles would keep those from being deleted.
create function forget_roles_of_space() returns trigger language plpgsql as $$
begin
  delete from members where tenant_id = new.tenant_id and space_id = new.id;
  new.default_role := null;
  return new;
end $$;
create trigger forget_roles_of_space before update of deleted_at on spaces
  for each row when (old.deleted_at is null and new.deleted_at is not null) execute function forget_roles_of_space();

create table signing_keys (
  tenant_id text not null references tenants (id),
  id text not null,
  arn text,
  -- retiring: signs no more, or when IVS does not make tokens; deleting: not even then
  state text not null check (state in ('importing', 'active', 'retiring', 'deleting')),
  private_key bytea not null,
  public_key text not null,
  created_at timestamptz(3) not null default now(),
  primary key (tenant_id, id)
);
create unique index signing_keys_one_active on signing_keys (tenant_id) where state = 'active';

create table bans (
  tenant_id text not null references tenants (id),
  id text not null,
  user_id text not null,
  space_id text,
  reason text,
  created_by jsonb not null,
  created_at timestamptz(3) not null default now(),
  expires_at timestamptz(3),
  lifted_at timestamptz(3),
  lifted_by jsonb,
  primary key (tenant_id, id),
  foreign key (tenant_id, space_id) references spaces (tenant_id, id)
);
create index bans_in_force on bans (tenant_id, user_id) where lifted_at is null;

-- One row for each token: to whom, for what, until when. Never the token.
--   pending   written before IVS is asked; what IVS may have made was not handed out
--   released  handed out
--   refused   not handed out: IVS did not make it, or a ban came in between
--   watched   handed out and acted against; IVS cannot revoke what was not used, so it is watched until it has expired
--   revoked   handed out, and IVS has confirmed that it no longer opens anything
-- Neither this table nor the audit log has a foreign key: each would lock the row of the tenant and of the space at every
-- vend, and a crowd that joins one space would meet there. A tenant is never deleted, and a space only before it is ready.
create table grants (
  tenant_id text not null,
  id text not null,
  space_id text not null,
  user_id text not null,
  ivs_user_id text not null, -- the user as IVS knows him: the same, or a pseudonym
  kind text not null check (kind in ('stage', 'chat')),
  role text not null,
  mint text check (mint in ('ivs', 'key-pair')),
  signing_key_id text,
  participant_id text,
  capabilities text[] not null,
  state text not null check (state in ('pending', 'released', 'refused', 'watched', 'revoked')),
  issued_at timestamptz(3) not null default now(),
  -- When it was last looked whether the token may be handed out. It leaves within a second of that, or not at all.
  looked_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null,         -- until when the token opens the door
  session_expires_at timestamptz(3) not null, -- until when who went in may stay, as far as the token says
  primary key (tenant_id, id)
);
create index grants_of_user on grants (tenant_id, user_id, kind, issued_at);
create index grants_of_space on grants (tenant_id, space_id, session_expires_at);
create index grants_of_participant on grants (tenant_id, participant_id) where participant_id is not null;
create index grants_of_signing_key on grants (tenant_id, signing_key_id, expires_at) where signing_key_id is not null;
create index grants_pending on grants (issued_at) where state = 'pending';

create table idempotency_keys (
  tenant_id text not null, -- or 'operator', who stands outside of all
  caller text not null,
  operation text not null,
  key text not null,
  request_hash bytea not null,
  state text not null check (state in ('running', 'applied', 'answered')),
  status integer,
  answer bytea, -- encrypted: the answer that made an API key holds it in clear
  created_at timestamptz(3) not null default now(),
  taken_until timestamptz(3) not null,
  primary key (tenant_id, caller, operation, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Append-only. seq and hash are filled in once, by seal_audit: the hash of each row covers the one before it.
create table audit (
  tenant_id text not null,
  id text not null,
  at timestamptz(3) not null default now(),
  caller jsonb not null,
  action text not null,
  space_id text,
  user_id text,
  subject text,
  details jsonb not null default '{}',
  request_id text not null,
  seq bigint,
  hash bytea,
  primary key (tenant_id, id),
  unique (tenant_id, seq)
);
create index audit_unsealed on audit (tenant_id, id) where seq is null;
create index audit_of_user on audit (tenant_id, user_id, id) where user_id is not null;
create index audit_of_space on audit (tenant_id, space_id, id) where space_id is not null;

-- ------------------------------------------------------------------------------------------------------- isolation --

-- The tenant this transaction has entered; null when none was.
create function current_tenant_id() returns text
  language sql stable parallel safe
  return nullif(current_setting('app.tenant_id', true), '');

do $$
declare t text;
begin
  foreach t in array array['claims', 'api_keys', 'issuers', 'roles', 'spaces', 'members', 'signing_keys', 'bans',
                           'grants', 'idempotency_keys', 'audit'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select current_tenant_id()))
                      with check (tenant_id = (select current_tenant_id()))', t);
  end loop;
end $$;

-- The operator manages tenants and sees nothing inside one: its transactions say so instead of entering a tenant.
alter table tenants enable row level security;
alter table tenants force row level security;
create policy serving on tenants to stagedoor_app using (true) with check (true);
create policy tenant on tenants as restrictive to stagedoor_app
  using (id = (select current_tenant_id()) or (select current_setting('app.operator', true)) = 'on')
  with check (id = (select current_tenant_id()) or (select current_setting('app.operator', true)) = 'on');

grant select, insert, update, delete
  on api_keys, issuers, roles, spaces, members, signing_keys, bans, grants, idempotency_keys, claims to stagedoor_app;
grant select, insert, update on tenants to stagedoor_app;
grant select, insert on audit to stagedoor_app;

-- What the functions that cross tenants may touch, and no more.
grant select on tenants, api_keys, issuers, grants, signing_keys, spaces, audit, idempotency_keys to stagedoor_crossing;
grant update (last_used_at) on api_keys to stagedoor_crossing;
grant update (state) on grants to stagedoor_crossing;
grant update (seq, hash) on audit to stagedoor_crossing;
grant delete on idempotency_keys to stagedoor_crossing;
create policy crossing on tenants for select to stagedoor_crossing using (true);
create policy crossing on api_keys to stagedoor_crossing using (true);
create policy crossing on issuers for select to stagedoor_crossing using (true);
create policy crossing on signing_keys for select to stagedoor_crossing using (true);
create policy crossing on spaces for select to stagedoor_crossing using (true);
create policy crossing on grants to stagedoor_crossing using (true);
create policy crossing on audit to stagedoor_crossing using (true);
create policy crossing on idempotency_keys to stagedoor_crossing using (true);

-- ------------------------------------------------------------------------------------------- entering a tenant --

-- Whether the credential a caller came with is still good. Callers are authenticated from a cache; this is what makes
-- a revoked key or a deleted issuer stop at the next statement all the same.
create function credential_holds(p_tenant text, p_kind text, p_credential text) returns boolean
  language sql stable
  return case p_kind
    when 'apiKey' then exists (
      select from api_keys
       where tenant_id = p_tenant and id = p_credential and revoked_at is null
         and (expires_at is null or expires_at > now()))
    when 'user' then exists (select from issuers where tenant_id = p_tenant and id = p_credential)
    else p_kind in ('operator', 'system')
  end;

-- The first statement of every transaction about a tenant's things. SD401: the credential no longer holds.
create function enter_tenant(p_tenant text, p_kind text, p_credential text) returns void
  language plpgsql as $$
begin
  perform set_config('app.tenant_id', p_tenant, true);
  if not credential_holds(p_tenant, p_kind, p_credential) then
    raise exception 'the credential no longer holds' using errcode = 'SD401';
  end if;
end $$;

-- ------------------------------------------------------------------------------------------ across the tenants --

create function find_api_key(p_slug text, p_hash bytea)
  returns table (tenant_id text, id text, scopes text[], expires_at timestamptz)
  language plpgsql security definer set search_path = public, pg_temp as $$
begin
  return query
    select k.tenant_id, k.id, k.scopes, k.expires_at::timestamptz
      from tenants t
      join api_keys k on k.tenant_id = t.id and k.hash = p_hash
     where t.slug = p_slug and k.revoked_at is null and (k.expires_at is null or k.expires_at > now());
  update api_keys k set last_used_at = now()
    from tenants t
   where t.slug = p_slug and k.tenant_id = t.id and k.hash = p_hash
     and (k.last_used_at is null or k.last_used_at < now() - interval '1 minute');
end $$;

-- The issuers a token may be of, first registered first; of the tenant of the first alone. Anybody can register another's
-- issuer with one more of its audiences, and must neither draw its users over nor lock them out.
create function find_issuers(p_issuer text, p_audiences text[]) returns setof issuers
  language sql stable security definer set search_path = public, pg_temp as $$
  with found as (select * from issuers where issuer = p_issuer and audience = any (p_audiences))
  select * from found
   where tenant_id = (select tenant_id from found order by created_at, id limit 1)
   order by created_at, id limit 2
$$;

-- A vend that died between its two transactions left a grant pending: nobody received its token.
create function sweep_pending_grants(p_older_than interval) returns bigint
  language sql security definer set search_path = public, pg_temp as $$
  with swept as (
    update grants set state = 'refused'
     where state = 'pending' and issued_at < now() - p_older_than
    returning 1)
  select count(*) from swept
$$;

-- Signing keys whose import or deletion was cut short, and retired ones that no unexpired token needs any more.
create function idle_signing_keys(p_older_than interval) returns table (tenant_id text, id text)
  language sql stable security definer set search_path = public, pg_temp as $$
  select k.tenant_id, k.id from signing_keys k
   where (k.state = 'importing' and k.created_at < now() - p_older_than) or k.state = 'deleting'
      or (k.state = 'retiring' and not exists (
            select from grants g
             where g.tenant_id = k.tenant_id and g.signing_key_id = k.id and g.expires_at > now() - interval '1 minute'))
   limit 20
$$;

create function sweep_idempotency_keys() returns bigint
  language sql security definer set search_path = public, pg_temp as $$
  with swept as (delete from idempotency_keys where created_at < now() - interval '24 hours' returning 1)
  select count(*) from swept
$$;

-- Spaces whose creation or deletion was cut short, for the reclaimer to finish.
create function unsettled_spaces(p_older_than interval) returns table (tenant_id text, id text)
  language sql stable security definer set search_path = public, pg_temp as $$
  select tenant_id, id from spaces
   where (ready_at is null or (deleted_at is not null and (stage_arn is not null or room_arn is not null)))
     and coalesce(deleted_at, created_at) < now() - p_older_than
   order by created_at limit 20
$$;

-- The service looks at what was migrated before it serves, but the record is the owner's.
create function applied_migrations() returns table (migration_name text)
  language plpgsql stable security definer set search_path = public, pg_temp as $$
begin
  return query select m.migration_name::text from _prisma_migrations m
                where m.finished_at is not null and m.rolled_back_at is null;
end $$;

-- ------------------------------------------------------------------------------------------------- audit chain --

-- What the hash of an audit row covers: every column, in an order and form that does not depend on settings.
create function audit_digest(p_previous bytea, a audit) returns bytea
  language sql immutable
  return sha256(coalesce(p_previous, ''::bytea) || convert_to(jsonb_build_array(
    a.tenant_id, a.seq, a.id, extract(epoch from a.at)::numeric(20, 3), a.caller, a.action, a.space_id, a.user_id,
    a.subject, a.details, a.request_id)::text, 'UTF8'));

-- Gives the rows written since the last run their place in their tenant's chain. Sealing apart from writing keeps the
-- vends of one tenant from queueing behind one another's commits; a row is open to tampering for about a second.
create function seal_audit(p_limit integer) returns bigint
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_row audit;
  v_last_tenant text;
  v_seq bigint;
  v_hash bytea;
  v_sealed bigint := 0;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('stagedoor audit', 0)) then return 0; end if;
  for v_row in
    select * from audit where seq is null order by tenant_id, id limit p_limit
  loop
    if v_row.tenant_id is distinct from v_last_tenant then
      v_last_tenant := v_row.tenant_id;
      select seq, hash into v_seq, v_hash from audit
       where tenant_id = v_row.tenant_id and seq is not null order by seq desc limit 1;
      if not found then v_seq := 0; v_hash := null; end if;
    end if;
    v_seq := v_seq + 1;
    v_row.seq := v_seq;
    v_hash := audit_digest(v_hash, v_row);
    update audit set seq = v_seq, hash = v_hash where tenant_id = v_row.tenant_id and id = v_row.id;
    v_sealed := v_sealed + 1;
  end loop;
  return v_sealed;
end $$;

-- The first place where a tenant's chain does not hold: a changed row, or a missing one. No row: it verifies.
create function verify_audit(p_tenant text) returns table (seq bigint, id text, problem text)
  language plpgsql security definer set search_path = public, pg_temp as $$
declare
  v_row audit;
  v_expected bigint := 0;
  v_hash bytea;
begin
  for v_row in select * from audit a where a.tenant_id = p_tenant and a.seq is not null order by a.seq loop
    v_expected := v_expected + 1;
    if v_row.seq <> v_expected then
      return query select v_expected, null::text, 'row missing';
      return;
    end if;
    v_hash := audit_digest(v_hash, v_row);
    if v_hash is distinct from v_row.hash then
      return query select v_row.seq, v_row.id, 'row changed';
      return;
    end if;
  end loop;
end $$;

-- ------------------------------------------------------------------------------------------------------ vending --

-- Serialises vends to a user (shared) with bans of that user (exclusive), whether or not the user was ever seen.
create function lock_user(p_tenant text, p_user text, p_exclusive boolean) returns void
  language plpgsql as $$
declare v_key bigint := hashtextextended(p_tenant || E'\n' || p_user, 0);
begin
  if p_exclusive then perform pg_advisory_xact_lock(v_key); else perform pg_advisory_xact_lock_shared(v_key); end if;
end $$;

-- Serialises vends into a space (shared) with the freezing of it (exclusive).
create function lock_space(p_tenant text, p_space text, p_exclusive boolean) returns void
  language plpgsql as $$
declare v_key bigint := hashtextextended(p_tenant || E'\n' || p_space || E'\nspace', 0);
begin
  if p_exclusive then perform pg_advisory_xact_lock(v_key); else perform pg_advisory_xact_lock_shared(v_key); end if;
end $$;

-- The ban that keeps a user out of a space now, if any: the one that lasts longest. Only after lock_user.
create function ban_in_force(p_tenant text, p_user text, p_space text) returns bans
  language sql stable as $$
  select * from bans
   where tenant_id = p_tenant and user_id = p_user and lifted_at is null
     and (space_id is null or space_id = p_space) and (expires_at is null or expires_at > clock_timestamp())
   order by expires_at desc nulls first limit 1
$$;

-- For how many seconds a token that was looked at before a ban may still be on its way out: a second from the last look.
create function seconds_until_all_have_left(p_tenant text, p_user text, p_space text) returns double precision
  language sql stable as $$
  select coalesce(greatest(0, extract(epoch from max(looked_at) + interval '1 second' - clock_timestamp())), 0)
    from grants
   where tenant_id = p_tenant and user_id = p_user and (p_space is null or space_id = p_space)
     and issued_at > now() - interval '1 minute' and state in ('released', 'watched')
$$;

-- Distinct users who hold something unexpired for a space, without the one who is asking.
create function others_in_space(p_tenant text, p_space text, p_user text) returns bigint
  language sql stable as $$
  select count(distinct user_id) from grants
   where tenant_id = p_tenant and space_id = p_space and session_expires_at > now()
     and state in ('pending', 'released') and user_id <> p_user
$$;

-- Whether a user has his place in a space: holds something that nothing takes from him while his lock is held, and was given
-- it since the space was last changed, so under the capacity it has now.
create function has_place(s spaces, p_user text) returns boolean
  language sql stable as $$
  select exists (select from grants g
                  where g.tenant_id = s.tenant_id and g.user_id = p_user and g.kind in ('stage', 'chat')
                    and g.issued_at > greatest(s.updated_at, now() - interval '15 days')
                    and g.space_id || '' = s.id and g.state = 'released' and g.session_expires_at > now())
$$;

-- Decides one vend and writes its grants down, in one round trip: lock, check, record. Answers
--   { "refused": <reason>, … }  and nothing was written, or
--   { "space", "role", "tenant", "stage"?, "chat"?, "signingKey"? }  with what is needed to make the tokens.
-- p_stage_grant, p_chat_grant: ids for the halves that are wanted, null for one that is not. The order of the checks is
-- the order in which a refused caller learns of them. Its plans are kept as long as the connection and may be as old as
-- the first vend, when every table was small: without seq scans they are right for any size.
create function admit(
  p_tenant text, p_caller_kind text, p_credential text, p_caller jsonb, p_space text, p_user text,
  p_pseudonym text, p_role_asked text, p_role_claimed text, p_stage_grant text, p_chat_grant text, p_participant text,
  p_audit_id text, p_action text, p_request_id text, p_per_minute integer
) returns jsonb
  language plpgsql set enable_seqscan = off as $$
declare
  v_tenant tenants;
  v_ban bans;
  v_space spaces;
  v_role_name text;
  v_role roles;
  v_key signing_keys;
  v_stage boolean;
  v_chat boolean;
  v_ivs_user text;
  v_used integer;
  v_oldest timestamptz;
  v_now timestamptz;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  if not credential_holds(p_tenant, p_caller_kind, p_credential) then
    return jsonb_build_object('refused', 'credential');
  end if;
  select * into v_tenant from tenants where id = p_tenant;
  if v_tenant.status <> 'active' then return jsonb_build_object('refused', 'tenant_suspended'); end if;

  perform lock_space(p_tenant, p_space, false);
  select * into v_space from spaces
   where tenant_id = p_tenant and id = p_space and ready_at is not null and deleted_at is null;
  if not found then return jsonb_build_object('refused', 'space_unknown'); end if;
  if v_space.status <> 'open' then return jsonb_build_object('refused', 'space_closed'); end if;

  perform lock_user(p_tenant, p_user, false);
  v_ban := ban_in_force(p_tenant, p_user, p_space);
  if v_ban.id is not null then
    return jsonb_build_object('refused', 'banned', 'until', v_ban.expires_at, 'reason', v_ban.reason);
  end if;

  v_role_name := coalesce(
    p_role_asked,
    (select role from members where tenant_id = p_tenant and space_id = p_space and user_id = p_user),
    (select name from roles where tenant_id = p_tenant and name = p_role_claimed),
    v_space.default_role);
  if v_role_name is null then return jsonb_build_object('refused', 'role_none'); end if;
  select * into v_role from roles where tenant_id = p_tenant and name = v_role_name;
  if not found then return jsonb_build_object('refused', 'role_unknown'); end if;
  if v_space.frozen_at is not null and not v_role.moderator then
    return jsonb_build_object('refused', 'space_frozen');
  end if;

  v_stage := p_stage_grant is not null and v_space.stage_arn is not null and v_role.stage_ttl_seconds is not null;
  v_chat := p_chat_grant is not null and v_space.room_arn is not null and v_role.chat_session_minutes is not null;
  if not v_stage and not v_chat then
    return jsonb_build_object('refused', 'nothing_to_give', 'role', v_role_name,
      'space', jsonb_build_object('stage', v_space.stage_arn is not null, 'room', v_space.room_arn is not null));
  end if;

  -- Who has his place already takes none, and need not wait while the others are counted.
  if v_space.capacity is not null and not has_place(v_space, p_user) then
    perform pg_advisory_xact_lock(hashtextextended(p_tenant || E'\n' || p_space || E'\ncapacity', 0));
    if others_in_space(p_tenant, p_space, p_user) >= v_space.capacity then
      return jsonb_build_object('refused', 'space_full', 'capacity', v_space.capacity);
    end if;
  end if;

  -- One after the other, or all that a user sends at once would count the same vends before.
  perform pg_advisory_xact_lock(hashtextextended(p_tenant || E'\n' || p_user || E'\nrate', 0));
  -- Of the kinds that are given, the one that was given most often decides.
  select used, oldest into v_used, v_oldest
    from unnest(array['stage', 'chat'], array[v_stage, v_chat]) as given (kind, is_given)
   cross join lateral (
     select count(*) as used, min(issued_at) as oldest
       from (select issued_at from grants
              where tenant_id = p_tenant and user_id = p_user and grants.kind = given.kind
                and issued_at > now() - interval '1 minute'
              order by issued_at desc limit p_per_minute) as last_minute) as counted
   where is_given
   order by used desc, oldest desc limit 1;
  if v_used >= p_per_minute then
    return jsonb_build_object('refused', 'rate', 'retryAfterSeconds',
      greatest(1, ceil(extract(epoch from v_oldest + interval '1 minute' - now()))));
  end if;

  if v_stage then
    -- Preferred is the active key; a retiring one still opens doors and serves when IVS does not.
    select * into v_key from signing_keys
     where tenant_id = p_tenant and state in ('active', 'retiring') order by state, created_at desc limit 1;
  end if;

  v_ivs_user := case v_tenant.ivs_user_ids when 'plain' then p_user else p_pseudonym end;
  v_now := date_trunc('milliseconds', now());
  if v_stage then
    insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at,
                        expires_at, session_expires_at, state, mint, participant_id, signing_key_id)
    values (p_tenant, p_stage_grant, p_space, p_user, v_ivs_user, 'stage', v_role_name, v_role.stage_capabilities, v_now,
            v_now + make_interval(secs => v_role.stage_ttl_seconds),
            v_now + make_interval(secs => v_role.stage_ttl_seconds),
            case when v_key.state = 'active' then 'released' else 'pending' end,
            case when v_key.state = 'active' then 'key-pair' end,
            case when v_key.state = 'active' then p_participant end,
            case when v_key.state = 'active' then v_key.id end);
  end if;
  if v_chat then
    insert into grants (tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at,
                        expires_at, session_expires_at, state)
    values (p_tenant, p_chat_grant, p_space, p_user, v_ivs_user, 'chat', v_role_name, v_role.chat_capabilities, v_now,
            v_now + interval '2 minutes', v_now + make_interval(mins => v_role.chat_session_minutes), 'pending');
  end if;
  insert into audit (tenant_id, id, caller, action, space_id, user_id, details, request_id)
  values (p_tenant, p_audit_id, p_caller, p_action, p_space, p_user,
          jsonb_strip_nulls(jsonb_build_object('role', v_role_name,
            'stageGrant', case when v_stage then p_stage_grant end,
            'chatGrant', case when v_chat then p_chat_grant end)),
          p_request_id);

  return jsonb_build_object(
    'ivsUserId', v_ivs_user,
    'tenant', jsonb_build_object('id', v_tenant.id, 'region', v_tenant.region, 'awsRoleArn', v_tenant.aws_role_arn, 'awsExternalId', v_tenant.aws_external_id),
    'space', jsonb_build_object('id', v_space.id, 'name', v_space.name),
    'role', jsonb_build_object('name', v_role_name, 'attributes', v_role.attributes),
    'issuedAt', v_now,
    'used', v_used + 1,
    'stage', case when v_stage then jsonb_build_object(
      'arn', v_space.stage_arn, 'endpoints', v_space.stage_endpoints, 'endpointsAt', v_space.stage_endpoints_at,
      'capabilities', v_role.stage_capabilities, 'ttlSeconds', v_role.stage_ttl_seconds) end,
    'chat', case when v_chat then jsonb_build_object(
      'arn', v_space.room_arn, 'capabilities', v_role.chat_capabilities,
      'sessionMinutes', v_role.chat_session_minutes) end,
    'signingKey', case when v_key.id is not null then jsonb_build_object(
      'id', v_key.id, 'arn', v_key.arn, 'state', v_key.state,
      'privateKey', encode(v_key.private_key, 'base64')) end);
end $$;

-- The second half of a vend that IVS had a part in: what was made, and whether it may still be handed out.
-- p_made: [{ "id", "mint", "participantId"?, "signingKeyId"?, "expiresAt", "sessionExpiresAt" }]; p_failed: grants IVS
-- did not make. Answers null, or why nothing that was made may leave: a ban that came in between, or a vend so slow that
-- its grants were swept. Its plans are kept as those of admit are.
create function settle(p_tenant text, p_user text, p_space text, p_made jsonb, p_failed text[]) returns jsonb
  language plpgsql set enable_seqscan = off as $$
declare
  v_ban bans;
  v_made record;
  v_settled integer := 0;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  perform lock_user(p_tenant, p_user, false);
  v_ban := ban_in_force(p_tenant, p_user, p_space);
  for v_made in
    select * from jsonb_to_recordset(p_made) as m (id text, mint text, "participantId" text, "signingKeyId" text,
                                                   "expiresAt" timestamptz, "sessionExpiresAt" timestamptz)
  loop
    update grants
       set state = case when v_ban.id is null then 'released' else 'refused' end, looked_at = clock_timestamp(),
           mint = v_made.mint, participant_id = v_made."participantId", signing_key_id = v_made."signingKeyId",
           expires_at = v_made."expiresAt", session_expires_at = v_made."sessionExpiresAt"
     where tenant_id = p_tenant and id = v_made.id and state in ('pending', 'released');
    if found then v_settled := v_settled + 1; end if;
  end loop;
  if cardinality(p_failed) > 0 then
    update grants set state = 'refused' where tenant_id = p_tenant and id = any (p_failed);
  end if;
  if v_ban.id is not null then
    return jsonb_build_object('refused', 'banned', 'until', v_ban.expires_at, 'reason', v_ban.reason);
  end if;
  if v_settled < jsonb_array_length(p_made) then return jsonb_build_object('refused', 'too_slow'); end if;
  return null;
end $$;

do $$
declare f text;
begin
  foreach f in array array[
    'find_api_key(text, bytea)', 'find_issuers(text, text[])', 'sweep_pending_grants(interval)',
    'sweep_idempotency_keys()', 'unsettled_spaces(interval)', 'idle_signing_keys(interval)', 'seal_audit(integer)', 'verify_audit(text)'] loop
    execute format('alter function %s owner to stagedoor_crossing', f);
    execute format('revoke execute on function %s from public', f);
    execute format('grant execute on function %s to stagedoor_app', f);
  end loop;
end $$;
revoke create on schema public from stagedoor_crossing;
