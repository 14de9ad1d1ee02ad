-- The tables of tenancy and vending, and the rights of the database roles. The functions stand in src/<feature>/sql/.
--
-- Three database roles:
--   the owner            runs migrations and owns every table; the service never connects as it
--   stagedoor_app        the group role of the service; row-level security limits it to one tenant in a transaction
--   stagedoor_crossing   owns the few functions that see the rows of all tenants; nobody logs in as it
--
-- Every tenant table has the tenant in each of its keys and row-level security enabled and forced. It has one permissive
-- policy ("serving": the service may work here) and one restrictive policy ("tenant": only on the rows of the tenant that
-- the transaction has entered).

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
-- The owner gives functions to stagedoor_crossing. Postgres allows that only to its members.
do $$
begin
  execute format('grant stagedoor_crossing to %I', current_user);
exception when others then
  if not pg_has_role(current_user, 'stagedoor_crossing', 'member') then raise; end if;
end $$;

revoke create on schema public from public;
grant usage on schema public to stagedoor_app, stagedoor_crossing;

-- ---------------------------------------------------------------------------------------------------------- tables --

-- The deployed sets of functions. Each has a schema of its own (src/database/deploy-functions.ts).
create table function_sets (
  hash text primary key,
  schema_name text not null unique,
  deployed_at timestamptz(3) not null default clock_timestamp()
);

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

-- Names that are unique in the whole deployment: the (issuer, audience) pairs that select a tenant, and the ARNs of stages
-- and rooms. A name belongs to the tenant that reserved it first.
create table reservations (
  kind text not null check (kind in ('issuer', 'stage', 'room')),
  value text not null,
  tenant_id text not null references tenants (id),
  primary key (kind, value)
);
create index reservations_tenant on reservations (tenant_id);

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
  life_ms bigint, -- lifetime of the key when it was made; a rotation gives the new key the same lifetime
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
-- For find_issuers. It runs before the caller is known, and anybody can send tokens that cause it to run.
create index issuers_by_pair on issuers (issuer, audience);

create table roles (
  tenant_id text not null references tenants (id),
  name text not null,
  stage_capabilities text[] not null default '{}',
  stage_ttl_seconds integer,    -- null: the role gives no stage token
  chat_capabilities text[] not null default '{}',
  chat_session_minutes integer, -- null: the role gives no chat token
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
  frozen_at timestamptz(3), -- null: not frozen. While a space is frozen, only moderators get tokens
  metadata jsonb not null default '{}',
  stage_arn text,
  stage_endpoints jsonb,
  stage_endpoints_at timestamptz(3),
  stage_adopted boolean not null default false,
  room_arn text,
  room_adopted boolean not null default false,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  -- The row is written before the stage and room are created, and stays after they are deleted. The space can be used
  -- from ready_at to deleted_at.
  ready_at timestamptz(3),
  deleted_at timestamptz(3),
  primary key (tenant_id, id),
  foreign key (tenant_id, default_role) references roles (tenant_id, name)
);
create index spaces_default_role on spaces (tenant_id, default_role);
-- For the reclaimer: spaces whose creation or deletion was interrupted.
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

create table signing_keys (
  tenant_id text not null references tenants (id),
  id text not null,
  arn text,
  -- retiring: the key signs only while IVS cannot make tokens. importing, deleting: it does not sign
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

-- One row for each token: its user, what it allows, and until when. The token itself is never stored.
--   pending   written before IVS is asked for the token; nobody has received it
--   released  handed out
--   refused   never handed out: the token was not made, or was refused while it was being made, by a ban for example
--   watched   handed out, and a moderator acted against it. IVS cannot revoke an unused token, so the stage is watched
--   revoked   handed out, and IVS has confirmed that nobody can use it any more
-- This table and the audit log have no foreign keys (docs/decisions/0009). They would lock the rows of the tenant and of the
-- space at every vend. A tenant is never deleted, and a space only before it is ready.
create table grants (
  tenant_id text not null,
  id text not null,
  space_id text not null,
  user_id text not null,
  ivs_user_id text not null, -- the user id that IVS sees: the same, or a pseudonym
  kind text not null check (kind in ('stage', 'chat')),
  role text not null,
  mint text check (mint in ('ivs', 'key-pair')),
  signing_key_id text,
  participant_id text,
  capabilities text[] not null,
  state text not null check (state in ('pending', 'released', 'refused', 'watched', 'revoked')),
  issued_at timestamptz(3) not null default now(),
  -- Time of the last decision of admit or settle that the token may leave. It leaves within a second of that, or never.
  checked_at timestamptz(3) not null default clock_timestamp(),
  expires_at timestamptz(3) not null,         -- nobody can connect with the token after this
  session_expires_at timestamptz(3) not null, -- end of the chat session of the token; for a stage the same as expires_at
  primary key (tenant_id, id)
);
create index grants_of_user on grants (tenant_id, user_id, kind, issued_at);
create index grants_of_space on grants (tenant_id, space_id, session_expires_at);
create index grants_of_participant on grants (tenant_id, participant_id) where participant_id is not null;
create index grants_of_signing_key on grants (tenant_id, signing_key_id, expires_at) where signing_key_id is not null;
create index grants_pending on grants (issued_at) where state = 'pending';

create table idempotency_keys (
  tenant_id text not null, -- 'operator' for requests of the operator
  caller text not null,
  operation text not null,
  key text not null,
  request_hash bytea not null,
  state text not null check (state in ('running', 'applied', 'answered')),
  status integer,
  answer bytea, -- encrypted, because the answer can contain a new API key
  created_at timestamptz(3) not null default now(),
  taken_until timestamptz(3) not null,
  primary key (tenant_id, caller, operation, key)
);
create index idempotency_keys_by_age on idempotency_keys (created_at);

-- Append-only. seal_audit sets seq and hash once. The hash of each row covers the hash of the row before it.
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

do $$
declare t text;
begin
  foreach t in array array['reservations', 'api_keys', 'issuers', 'roles', 'spaces', 'members', 'signing_keys', 'bans',
                           'grants', 'idempotency_keys', 'audit'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
  end loop;
end $$;

-- The operator manages tenants and sees no rows of a tenant. Its transactions set app.operator instead of entering a tenant.
alter table tenants enable row level security;
alter table tenants force row level security;
create policy serving on tenants to stagedoor_app using (true) with check (true);
create policy tenant on tenants as restrictive to stagedoor_app
  using (id = (select nullif(current_setting('app.tenant_id', true), '')) or (select current_setting('app.operator', true)) = 'on')
  with check (id = (select nullif(current_setting('app.tenant_id', true), '')) or (select current_setting('app.operator', true)) = 'on');

grant select, insert, update, delete
  on api_keys, issuers, roles, spaces, members, signing_keys, bans, grants, idempotency_keys, reservations to stagedoor_app;
grant select, insert, update on tenants to stagedoor_app;
grant select, insert on audit to stagedoor_app;

-- The rights of the functions that see the rows of all tenants.
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
