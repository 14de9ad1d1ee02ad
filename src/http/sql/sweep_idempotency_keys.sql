-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes idempotency keys that are older than p_older_than, the oldest first, p_most at most. Returns how many.
create function sweep_idempotency_keys(p_older_than interval, p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_old tid[] := array(
    select ctid
    from public.idempotency_keys
    where created_at < now() - p_older_than
    order by created_at
    limit p_most
  );
  v_swept bigint;
begin
  delete from public.idempotency_keys where ctid = any (v_old);
  get diagnostics v_swept = row_count;
  return v_swept;
end;
$$;
