-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes idempotency keys that are older than p_older_than. Returns how many.
create function sweep_idempotency_keys(p_older_than interval)
returns bigint
language sql
as $$
  with swept as (delete from public.idempotency_keys where created_at < now() - p_older_than returning 1)
  select count(*)
  from swept;
$$;
