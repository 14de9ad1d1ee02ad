-- Ended API keys, deleted spaces and finished erasures are deleted after the days of the audit log (docs/decisions/0061).
-- `if not exists`: see docs/operations/upgrade.md.
create index if not exists api_keys_by_end on api_keys (tenant_id, least(revoked_at, expires_at));
create index if not exists spaces_deleted on spaces (tenant_id, deleted_at) where deleted_at is not null;
create index if not exists erasures_finished on erasures (tenant_id, finished_at) where finished_at is not null;
-- The deletion of a space checks that no delivery refers to it.
create index if not exists deliveries_of_space on deliveries (tenant_id, space_id);
-- What a deleted key has made counts as made by the key above it.
grant update (parent_id) on api_keys to stagedoor_crossing;
