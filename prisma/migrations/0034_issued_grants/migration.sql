-- The event grant.issued: recorded only for tenants that ask for it.

-- Until this time grant.issued is recorded, because a reader of the log has asked for it; null: nobody has.
alter table event_logs add column issued_until timestamptz(3);
grant update (issued_until) on event_logs to stagedoor_app;
grant insert (at) on events to stagedoor_crossing; -- a grant was issued some time before its event is written

-- Grants of such tenants whose event is still to be written: some have no token yet.
create table untold_grants (
  tenant_id text not null,
  grant_id text not null,
  primary key (tenant_id, grant_id)
);
alter table untold_grants enable row level security;
alter table untold_grants force row level security;
create policy serving on untold_grants to stagedoor_app using (true) with check (true);
create policy tenant on untold_grants as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on untold_grants to stagedoor_crossing using (true);
grant select, insert on untold_grants to stagedoor_app; -- for a token of a change of role
grant select, insert, delete on untold_grants to stagedoor_crossing;
