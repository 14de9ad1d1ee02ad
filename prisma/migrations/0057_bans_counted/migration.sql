-- The bans in force are counted at each ban, for the quota. With both columns in the index Postgres counts its entries, and
-- does not look at the bans themselves (docs/decisions/0057). `if not exists`: see docs/operations/upgrade.md.
create index if not exists bans_counted on bans (tenant_id, least(lifted_at, expires_at, 'infinity'::timestamptz))
  include (lifted_at, expires_at);
drop index bans_ending;
