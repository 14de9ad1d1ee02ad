-- How much callers and tenants have used of what they may do in a minute, of all replicas together: when the allowance will be
-- whole again, if nothing more is taken. The rows matter for two minutes at most. So nothing of them is written to the log of
-- Postgres, and they are gone after a crash or a failover.

create unlogged table allowances (
  tenant_id text not null,
  name text not null, -- hash of what the allowance is for, and of whom
  whole_at timestamptz not null,
  primary key (tenant_id, name)
);
create index allowances_whole on allowances (whole_at);

alter table allowances enable row level security;
alter table allowances force row level security;
create policy serving on allowances to stagedoor_app using (true) with check (true);
create policy tenant on allowances as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on allowances to stagedoor_crossing using (true);
grant select on allowances to stagedoor_app;
grant select, insert, update, delete on allowances to stagedoor_crossing;

-- What the operator has set for a tenant: other limits than those of the deployment, and how many turns it has where others
-- have one.
alter table tenants
  add column limits jsonb not null default '{}',
  add column weight integer not null default 1 check (weight between 1 and 100);
create index tenants_with_limits on tenants (id) where limits <> '{}' or weight <> 1;
