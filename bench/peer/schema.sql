-- The tables of the hand-written peer, with the indexes that its queries need.
create table tenants (id text primary key, status text not null default 'active');
create table issuers (
  id text primary key,
  tenant_id text not null references tenants,
  issuer text not null unique,
  audience text not null,
  jwks jsonb not null
);
create table roles (
  tenant_id text not null references tenants,
  name text not null,
  rank integer not null default 0,
  moderator boolean not null default false,
  capabilities text[] not null,
  ttl_seconds integer not null,
  attributes jsonb not null default '{}',
  primary key (tenant_id, name)
);
create table spaces (
  id text primary key,
  tenant_id text not null references tenants,
  name text not null,
  status text not null default 'open',
  frozen boolean not null default false,
  capacity integer,
  default_role text,
  stage_arn text not null,
  endpoints jsonb not null
);
create table members (
  tenant_id text not null,
  space_id text not null references spaces,
  user_id text not null,
  role text not null,
  primary key (space_id, user_id)
);
create table bans (
  id bigint generated always as identity primary key,
  tenant_id text not null references tenants,
  user_id text not null,
  space_id text references spaces,
  reason text,
  until timestamptz,
  lifted_at timestamptz
);
create index on bans (tenant_id, user_id) where lifted_at is null;
create table grants (
  id uuid primary key,
  tenant_id text not null,
  space_id text not null,
  user_id text not null,
  participant_id text not null,
  role text not null,
  capabilities text[] not null,
  state text not null,
  issued_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index on grants (tenant_id, user_id, issued_at);
create index on grants (space_id, expires_at);
create table audit (
  id bigint generated always as identity primary key,
  tenant_id text not null,
  at timestamptz not null default now(),
  actor jsonb not null,
  action text not null,
  target jsonb not null,
  request_id text not null
);
create index on audit (tenant_id, at);
