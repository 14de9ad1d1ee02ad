-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Ends a count. Nobody relies on it any more, and no change is noted for it. check_count deletes its rows. The
-- transaction holds the lock of the capacity.
create function end_count(p_count public.place_counts)
returns void
language plpgsql
as $$
begin
  delete from public.place_sources where tenant_id = p_count.tenant_id and count_id = p_count.id;
  update public.place_counts
  set
    is_ended = true,
    checked_at = now()
  where tenant_id = p_count.tenant_id and id = p_count.id;
end;
$$;
