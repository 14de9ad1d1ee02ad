-- What a key is bound to beside its scopes: roles, spaceIds and sourceAddresses, each a list or absent (src/api-keys/key-bounds.ts).
alter table api_keys add column bounds jsonb not null default '{}';
