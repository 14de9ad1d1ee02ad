-- When a signing key was last compared with the public keys that IVS lists (docs/decisions/0059).
alter table signing_keys add column compared_at timestamptz(3) not null default 'epoch';
grant update (compared_at) on signing_keys to stagedoor_crossing;
