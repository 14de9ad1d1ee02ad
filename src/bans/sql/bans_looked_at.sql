-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked bans of a list, the newest first: all, those with the user or space p_value, or those
-- whose end is not told. p_by says which. Only ids below p_before count.
-- Each query names its index by its order. So the plan is the same whatever the planner knows about the table: it may
-- have no statistics of rows that were just written.
create function bans_looked_at(p_tenant text, p_by text, p_value text, p_before text, p_looked integer)
returns setof public.bans
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
begin
  if p_by = 'user' then
    return query
      select *
      from public.bans
      where tenant_id = p_tenant and (user_id, id) > (p_value, '') and (user_id, id) < (p_value, p_before)
      order by user_id desc, id desc
      limit p_looked;
  elsif p_by = 'space' then
    return query
      select *
      from public.bans
      where
        space_id is not null
        and tenant_id = p_tenant
        and (space_id, id) > (p_value, '')
        and (space_id, id) < (p_value, p_before)
      order by space_id desc, id desc
      limit p_looked;
  elsif p_by = 'notEnded' then
    return query
      select *
      from public.bans
      where tenant_id = p_tenant and lifted_at is null and not expiry_told and id < p_before
      order by id desc
      limit p_looked;
  elsif p_by = 'all' then
    return query select * from public.bans where tenant_id = p_tenant and id < p_before order by id desc limit p_looked;
  else
    raise exception 'a list by % does not exist', p_by;
  end if;
end;
$$;
