-- How many requests for tokens were refused to each tenant, by hour and reason.

create table refusals (
  tenant_id text not null,
  hour timestamptz(3) not null, -- its beginning, in UTC
  reason text not null, -- the code of the problem
  requests bigint not null,
  primary key (tenant_id, hour, reason)
);
create index refusals_hour on refusals (hour);

alter table refusals enable row level security;
alter table refusals force row level security;
create policy serving on refusals to stagedoor_app using (true) with check (true);
create policy tenant on refusals as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on refusals to stagedoor_crossing using (true);
grant select on refusals to stagedoor_app;
grant select, insert, update, delete on refusals to stagedoor_crossing;
