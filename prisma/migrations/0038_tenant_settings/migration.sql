-- What a tenant has settled for itself. A tenant without a row has settled nothing. Vends do not read this table.
create table tenant_settings (
  tenant_id text primary key references tenants (id),
  -- For how many days things are kept. Null: for as long as the deployment keeps them, which is the most.
  event_days integer check (event_days > 0),
  grant_days integer check (grant_days > 0),
  audit_days integer check (audit_days > 0),
  reasons text[] not null default '{}', -- offered to moderators
  updated_at timestamptz(3) not null default now()
);

-- For the sessions of a tenant that keeps its events for a shorter time than others.
create index if not exists stage_sessions_over on stage_sessions (tenant_id, ended_at) where ended_at is not null;

alter table tenant_settings enable row level security;
alter table tenant_settings force row level security;
create policy serving on tenant_settings to stagedoor_app using (true) with check (true);
create policy tenant on tenant_settings as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on tenant_settings for select to stagedoor_crossing using (true);
grant select, insert, update on tenant_settings to stagedoor_app;
grant select on tenant_settings to stagedoor_crossing;
