-- What the audit entry of a vend says, from the vend until seal_audit puts the entry into the hash chain. So the entry is
-- written into the audit log once, complete (docs/decisions/0030).
create table unsealed_vends (
  tenant_id text not null,
  id text not null, -- of the audit entry
  at timestamptz(3) not null default now(),
  caller jsonb, -- null: the user themselves
  action text not null,
  space_id text not null,
  user_id text not null,
  role text not null,
  stage_grant text,
  chat_grant text,
  request_id text not null,
  primary key (tenant_id, id)
);
-- Rows stay for about a second. The table stays small if it is vacuumed for its dead rows alone.
alter table unsealed_vends set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_insert_threshold = -1
);

alter table unsealed_vends enable row level security;
alter table unsealed_vends force row level security;
create policy serving on unsealed_vends to stagedoor_app using (true) with check (true);
create policy tenant on unsealed_vends as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on unsealed_vends to stagedoor_crossing using (true);

-- As for audit: the serving role adds, and neither changes nor deletes. The database gives the time.
grant select on unsealed_vends to stagedoor_app;
grant insert (tenant_id, id, caller, action, space_id, user_id, role, stage_grant, chat_grant, request_id)
  on unsealed_vends to stagedoor_app;
grant select, delete on unsealed_vends to stagedoor_crossing;
grant update (id) on unsealed_vends to stagedoor_crossing;
grant insert on audit to stagedoor_crossing;
