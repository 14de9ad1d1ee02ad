-- Who is signed in to the console. The sessions of the operator have the tenant 'operator', so there is no foreign key.

create table console_sessions (
  tenant_id text not null,
  id text not null,
  hash bytea not null, -- keyed hash of the secret that the cookie holds
  kind text not null check (kind in ('operator', 'apiKey')), -- of the caller that the session stands for
  caller text not null, -- the id of that caller
  -- Of the operator: keyed hash of the token that they signed in with. A session does not outlive the token.
  token_hash bytea check ((token_hash is null) = (kind != 'operator')),
  created_at timestamptz(3) not null default now(),
  last_used_at timestamptz(3) not null default now(), -- about: a use is noted now and then
  expires_at timestamptz(3) not null, -- it moves with each noted use
  ended_at timestamptz(3), -- the person has signed out
  primary key (tenant_id, id),
  unique (tenant_id, hash)
);
create index console_sessions_of_caller on console_sessions (tenant_id, kind, caller);
create index console_sessions_expired on console_sessions (expires_at);

alter table console_sessions enable row level security;
alter table console_sessions force row level security;
create policy serving on console_sessions to stagedoor_app using (true) with check (true);
create policy tenant on console_sessions as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on console_sessions to stagedoor_crossing using (true);
grant select, insert, update, delete on console_sessions to stagedoor_app;
grant select, delete on console_sessions to stagedoor_crossing;
