-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked grants of a list, the latest first, and all with the same time as the last one: those of
-- the user p_value by their issue, or those of the space p_value by the end of their session. p_by is user or space, or
-- a list of grants_expiring_last or grants_looked_at. Only grants count whose time is after p_after_time, and before
-- p_before_time or then with an id below p_before.
-- The order of the ranks names the index, as the order of the rows does in grants_looked_at.
create function grants_of_list(
  p_tenant text,
  p_by text,
  p_value text,
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
  v_found public.grants[];
begin
  if p_by = 'user' then
    v_found := array(
      select found.row
      from (
        select t as row, rank() over (order by user_id desc, issued_at desc) as nth
        from public.grants as t
        where
          tenant_id = p_tenant
          and (user_id, issued_at) > (p_value, p_after_time)
          and (user_id, issued_at) <= (p_value, p_before_time)
          and (issued_at, id) < (p_before_time, p_before)
      ) as found
      where found.nth <= p_looked
    );
  elsif p_by = 'space' then
    v_found := array(
      select found.row
      from (
        select t as row, rank() over (order by space_id desc, session_expires_at desc) as nth
        from public.grants as t
        where
          tenant_id = p_tenant
          and (space_id, session_expires_at) > (p_value, p_after_time)
          and (space_id, session_expires_at) <= (p_value, p_before_time)
          and (session_expires_at, id) < (p_before_time, p_before)
      ) as found
      where found.nth <= p_looked
    );
  elsif p_by = 'expiry' then
    v_found := array(
      select g from grants_expiring_last(p_tenant, p_after_time, p_before_time, p_before, p_looked) as g
    );
  else
    v_found := array(select g from grants_looked_at(p_tenant, p_by, p_value, p_before, p_looked) as g);
  end if;
  return query select g.* from unnest(v_found) as g;
end;
$$;
