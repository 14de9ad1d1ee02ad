-- The time at which IVS had deleted the key. From then on the grants of its tokens are revoked; their rows follow in steps.
alter table signing_keys add column removed_at timestamptz(3);
