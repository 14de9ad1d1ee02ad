-- Master keys may be in AWS KMS. Such a key does not seal by itself: it encrypts a data key for each tenant.

alter table master_keys add column kms_key text; -- the ARN of a key in AWS KMS; null: the key is in the environment

create table data_keys (
  tenant_id text not null, -- 'deployment': what no tenant owns
  master_key text not null, -- id of the master key, which is in AWS KMS
  data_key bytea not null, -- as AWS KMS has encrypted it, for this tenant alone
  created_at timestamptz(3) not null default clock_timestamp(),
  primary key (tenant_id, master_key)
);

alter table data_keys enable row level security;
alter table data_keys force row level security;
create policy serving on data_keys to stagedoor_app using (true) with check (true);
create policy tenant on data_keys as restrictive to stagedoor_app
  using (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')))
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')));
create policy crossing on data_keys to stagedoor_crossing using (true);
grant select on data_keys to stagedoor_app;
grant select, insert, delete on data_keys to stagedoor_crossing;
