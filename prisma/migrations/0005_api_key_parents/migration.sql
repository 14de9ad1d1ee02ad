-- parent_id: the key that made this one, by creating it or by a rotation; null: the operator made it, or an older build.
-- replaced_by: the key that a rotation made in place of this one. The old key makes, rotates and revokes no key from then on.
alter table api_keys add column parent_id text, add column replaced_by text;
-- For revoke_api_keys.
create index api_keys_of_parent on api_keys (tenant_id, parent_id) where parent_id is not null;
