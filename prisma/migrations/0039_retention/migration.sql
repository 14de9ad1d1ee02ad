-- Grants, deliveries, actions and bans end after some days (docs/decisions/0045). `if not exists`: on a big table the operator
-- builds an index concurrently before (docs/operations.md).

-- Postgres looks for the deliveries of a grant that is deleted.
create index if not exists deliveries_of_grant on deliveries (tenant_id, grant_id) where grant_id is not null;
create index if not exists deliveries_by_end on deliveries (tenant_id, done_at) where done_at is not null;
create index if not exists bans_by_end on bans (tenant_id, least(lifted_at, expires_at))
  where lifted_at is not null or expires_at is not null;

grant delete on grants, deliveries, actions, bans to stagedoor_crossing;
