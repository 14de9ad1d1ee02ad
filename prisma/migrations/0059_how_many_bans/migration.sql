-- How many bans of a tenant were in force when they were counted last, for the quota of bans (docs/decisions/0065).
alter table tenants add column bans_counted integer;
alter table tenants add column bans_counted_at timestamptz(3);
