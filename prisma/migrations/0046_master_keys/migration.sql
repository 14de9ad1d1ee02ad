-- The master keys that secrets in the database may be sealed with. The keys themselves are in the environment of the service.
create table master_keys (
  id text primary key, -- follows from the key: 8 hexadecimal digits
  began boolean not null, -- values that name no key are sealed with this one
  root bytea not null, -- sealed with this key: what keyed hashes, pseudonyms and signatures of the deployment follow from
  first_used_at timestamptz(3) not null default clock_timestamp(),
  used_at timestamptz(3) not null default clock_timestamp() -- when a replica last had it as the key that seals
);
create unique index master_keys_began on master_keys (began) where began;
grant select on master_keys to stagedoor_app;
grant select, insert, update, delete on master_keys to stagedoor_crossing;

-- What another key has sealed is looked for in all tenants.
create policy crossing on console_issuers for select to stagedoor_crossing using (true);
grant select on console_issuers to stagedoor_crossing;
