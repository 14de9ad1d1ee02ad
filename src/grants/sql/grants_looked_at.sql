-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked grants of a list, the newest first: all, or those in the state p_value. p_by says which.
-- Only ids below p_before count.
-- Each query names its index by its order. So the plan is the same whatever the planner knows about the table: it may
-- have no statistics of rows that were just written.
create function grants_looked_at(p_tenant text, p_by text, p_value text, p_before text, p_looked integer)
returns setof public.grants
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
begin
  if p_by = 'state' then
    return query
      select *
      from public.grants
      where
        state in ('watched', 'revoked')
        and tenant_id = p_tenant
        and (state, id) > (p_value, '')
        and (state, id) < (p_value, p_before)
      order by state desc, id desc
      limit p_looked;
  elsif p_by = 'all' then
    return query
      select * from public.grants where tenant_id = p_tenant and id < p_before order by id desc limit p_looked;
  else
    raise exception 'a list by % does not exist', p_by;
  end if;
end;
$$;
