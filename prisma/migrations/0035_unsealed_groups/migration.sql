-- What the audit entries of the vends of one group say, from the vends until seal_audit puts the entries into the hash
-- chain: one row for all vends that one call admits (docs/decisions/0030). The functions of the build before write
-- unsealed_vends, a row for each vend.
create table unsealed_groups (
  tenant_id text not null,
  id text not null, -- of the first of the audit entries
  at timestamptz(3) not null default now(),
  vends jsonb not null check (jsonb_typeof(vends) = 'array' and vends != '[]'), -- as vends_of_group reads them
  primary key (tenant_id, id)
);
-- A large group is compressed, and stays in its row.
alter table unsealed_groups alter column vends set storage main;
-- Rows stay for about a second. The table stays small if it is vacuumed for its dead rows alone.
alter table unsealed_groups set (
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500, autovacuum_vacuum_insert_threshold = -1
);

alter table unsealed_groups enable row level security;
alter table unsealed_groups force row level security;
create policy serving on unsealed_groups to stagedoor_app using (true) with check (true);
create policy tenant on unsealed_groups as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on unsealed_groups to stagedoor_crossing using (true);

-- As for unsealed_vends: the serving role adds, and neither changes nor deletes. The database gives the time.
grant select on unsealed_groups to stagedoor_app;
grant insert (tenant_id, id, vends) on unsealed_groups to stagedoor_app;
grant select, delete on unsealed_groups to stagedoor_crossing;
grant update (vends) on unsealed_groups to stagedoor_crossing;
