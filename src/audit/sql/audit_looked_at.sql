-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the first p_looked entries of a list, the newest first: all, or those with the action p_value. p_by says
-- which. Almost all entries are of vends, so there is no list of these by their action. Only ids between p_after and
-- p_before count.
-- Each query names its index by its order. So the plan is the same whatever the planner knows about the table: it may
-- have no statistics of rows that were just written.
create function audit_looked_at(p_tenant text, p_by text, p_value text, p_after text, p_before text, p_looked integer)
returns setof public.audit
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_bitmapscan = off
set enable_sort = off
set enable_incremental_sort = off
as $$
begin
  if p_by = 'action' then
    return query
      select *
      from public.audit
      where
        action not in ('space.join', 'stageToken.create', 'chatToken.create')
        and tenant_id = p_tenant
        and (action, id) > (p_value, p_after)
        and (action, id) < (p_value, p_before)
      order by action desc, id desc
      limit p_looked;
  elsif p_by = 'all' then
    return query
      select *
      from public.audit
      where tenant_id = p_tenant and id > p_after and id < p_before
      order by id desc
      limit p_looked;
  else
    raise exception 'a list by % does not exist', p_by;
  end if;
end;
$$;
