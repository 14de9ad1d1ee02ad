-- Bans in force are found without those that have ended, and what decides on vends does not depend on statistics
-- (docs/decisions/0057). `if not exists`: on a big table the operator builds an index concurrently before
-- (docs/operations/upgrade.md).

-- For the quota, and for retention. The end of a ban: 'infinity' if it has none.
create index if not exists bans_ending on bans (tenant_id, least(lifted_at, expires_at, 'infinity'::timestamptz));
drop index bans_by_end;

-- For the list of those in force, and for the watchdog. Its condition is not that of bans_in_force: without statistics Postgres
-- takes any of two indexes that have the same, and a vend read all bans of the tenant that nobody had lifted.
create index if not exists bans_not_ended on bans (tenant_id, id) where lifted_at is null and not expiry_told;
drop index bans_not_lifted;
