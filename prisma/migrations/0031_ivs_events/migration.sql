-- Events of IVS that EventBridge has brought. They are kept so that a copy is recognized.
create table ivs_events (
  tenant_id text not null references tenants (id),
  id text not null, -- as EventBridge gave it
  space_id text, -- null: the event is about a room
  type text not null, -- its detail-type
  detail jsonb, -- null: too large to be kept
  at timestamptz(3) not null, -- its time, by the clock of IVS
  received_at timestamptz(3) not null default now(),
  primary key (tenant_id, id)
);
create index ivs_events_received on ivs_events (tenant_id, received_at);

alter table ivs_events enable row level security;
alter table ivs_events force row level security;
create policy serving on ivs_events to stagedoor_app using (true) with check (true);
create policy tenant on ivs_events as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on ivs_events to stagedoor_crossing using (true);
grant select on ivs_events to stagedoor_app;
grant select, insert, delete on ivs_events to stagedoor_crossing;
