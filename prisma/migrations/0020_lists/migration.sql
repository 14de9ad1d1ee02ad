-- For the lists of the API: each filter is served by an index in the order of the list. `if not exists`: on a big table the
-- operator builds an index concurrently before (docs/operations.md).

create index if not exists audit_of_action on audit (tenant_id, action, id);

create index if not exists grants_listed_by_user on grants (tenant_id, user_id, id);
create index if not exists grants_listed_by_space on grants (tenant_id, space_id, id);
create index if not exists grants_by_expiry on grants (tenant_id, expires_at, id);
-- A vend does not write into this one.
create index if not exists grants_acted_on on grants (tenant_id, state, id) where state in ('watched', 'revoked');

create index if not exists bans_listed_by_user on bans (tenant_id, user_id, id);
create index if not exists bans_listed_by_space on bans (tenant_id, space_id, id) where space_id is not null;
create index if not exists bans_not_lifted on bans (tenant_id, id) where lifted_at is null;

create index if not exists spaces_listed on spaces (tenant_id, id) where ready_at is not null and deleted_at is null;
