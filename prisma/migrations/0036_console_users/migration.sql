-- People of a tenant who sign in to the console with an identity provider (OpenID Connect), and what they may do there.

-- The identity providers that a tenant has registered for the console.
create table console_issuers (
  tenant_id text not null references tenants (id),
  id text not null,
  name text not null, -- of the provider, for people
  issuer text not null, -- URL; metadata of the provider is found below it
  client_id text not null,
  client_secret bytea, -- encrypted; null: a public client
  scopes text[] not null,
  claims jsonb not null, -- paths of the claims with the user id and the name
  -- A change of what decides who somebody is gives another one.
  version integer not null default 1,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, issuer, client_id)
);

-- Who may sign in, with which role of the console. A person is known by the id that one provider gives them.
create table console_users (
  tenant_id text not null,
  user_id text not null,
  issuer_id text not null,
  role text not null check (role in ('viewer', 'moderator', 'admin')),
  name text,
  created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(),
  primary key (tenant_id, user_id),
  foreign key (tenant_id, issuer_id) references console_issuers (tenant_id, id) on delete cascade
);
create index console_users_issuer on console_users (tenant_id, issuer_id);

alter table console_sessions drop constraint console_sessions_kind_check;
alter table console_sessions add constraint console_sessions_kind_check
  check (kind in ('operator', 'apiKey', 'consoleUser'));
-- Of a person: the provider that they signed in with, and the name that it gave.
alter table console_sessions add column issuer_id text;
alter table console_sessions add column name text;
alter table console_sessions add constraint console_sessions_issuer_check
  check ((issuer_id is null) = (kind != 'consoleUser'));

do $$
declare t text;
begin
  foreach t in array array['console_issuers', 'console_users'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format('create policy serving on %I to stagedoor_app using (true) with check (true)', t);
    execute format('create policy tenant on %I as restrictive to stagedoor_app
                      using (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))
                      with check (tenant_id = (select nullif(current_setting(''app.tenant_id'', true), '''')))', t);
  end loop;
end $$;
grant select, insert, update, delete on console_issuers, console_users to stagedoor_app;
