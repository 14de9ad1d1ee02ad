-- About how many calls to IVS the service made for each tenant in the last minute, by account and operation. The rows matter for
-- some minutes. So nothing of them is written to the log of Postgres, and they are gone after a crash or a failover.

create unlogged table ivs_calls (
  tenant_id text not null,
  account text not null, -- as in deliveries and pacing
  operation text not null,
  recent double precision not null, -- calls, of which those of a minute ago count little more than a third
  at timestamptz not null, -- when that was so
  primary key (tenant_id, account, operation)
);
create index ivs_calls_at on ivs_calls (at);

alter table ivs_calls enable row level security;
alter table ivs_calls force row level security;
create policy serving on ivs_calls to stagedoor_app using (true) with check (true);
create policy tenant on ivs_calls as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on ivs_calls to stagedoor_crossing using (true);
grant select on ivs_calls to stagedoor_app;
grant select, insert, update, delete on ivs_calls to stagedoor_crossing;
