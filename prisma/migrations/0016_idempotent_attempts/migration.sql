-- The attempt that has an idempotency key now. A replica that stood still for long makes no change under a key that another
-- attempt has taken over. Null: a replica of the release before has taken the key.
alter table idempotency_keys add column attempt_id text;
