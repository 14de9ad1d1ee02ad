-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked grants of a list, the one that ends last first: those of a space by the end of their
-- session, and those that end with the last one too; null p_space: all by the end of their token. Only grants count
-- that end after p_after_time, and before p_before_time or then with an id below p_before.
-- Each query names its index by its order, like those of grants_looked_at.
create function grants_ending_last(
  p_tenant text,
  p_space text,
  p_after_time timestamptz,
  p_before_time timestamptz,
  p_before text,
  p_looked integer
)
returns setof public.grants
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
declare
  v_last timestamptz;
begin
  if p_space is null then
    return query
      select *
      from public.grants
      where tenant_id = p_tenant and expires_at > p_after_time and (expires_at, id) < (p_before_time, p_before)
      order by expires_at desc, id desc
      limit p_looked;
    return;
  end if;
  -- The index ends with the time. It does not order what ends at the same time.
  v_last := (
    select session_expires_at
    from public.grants
    where
      tenant_id = p_tenant
      and (space_id, session_expires_at) > (p_space, p_after_time)
      and (space_id, session_expires_at) <= (p_space, p_before_time)
      and (session_expires_at, id) < (p_before_time, p_before)
    order by space_id desc, session_expires_at desc
    offset p_looked - 1
    limit 1
  );
  return query
    select *
    from public.grants
    where
      tenant_id = p_tenant
      and (space_id, session_expires_at) > (p_space, p_after_time)
      and (space_id, session_expires_at) >= (p_space, coalesce(v_last, '-infinity'))
      and (space_id, session_expires_at) <= (p_space, p_before_time)
      and (session_expires_at, id) < (p_before_time, p_before)
    order by space_id desc, session_expires_at desc;
end;
$$;
