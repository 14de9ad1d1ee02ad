-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked grants of a tenant by the end of their token, the last one first, and all that end with
-- the last of these. The bounds are as in grants_of_list.
create function grants_expiring_last(
  p_tenant text,
  p_after_time timestamptz,
  p_before_time timestamptz,
  p_before text,
  p_looked integer
)
returns setof public.grants
language sql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
  select found.row
  from (
    select t as row, rank() over (order by expires_at desc) as nth
    from public.grants as t
    where
      tenant_id = p_tenant
      and expires_at > p_after_time
      and expires_at <= p_before_time
      and (expires_at, id) < (p_before_time, p_before)
  ) as found
  where found.nth <= p_looked;
$$;
