-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_limit actions of a tenant at most that are not pending (see pending_actions), the newest first. p_space: only
-- actions in this space; null: all. p_before: only older actions than this; null: all. It reads an index for each
-- action that it passes.
create function delivered_actions(p_tenant text, p_space text, p_before text, p_limit integer)
returns table (action_id text)
language plpgsql
stable
set plan_cache_mode = force_custom_plan
set enable_seqscan = off
set enable_sort = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
declare
  v_failing text[] := array(select f.action_id from actions_on_failing_looks(p_tenant, null) as f);
begin
  return query
    select a.id
    from public.actions as a
    where
      a.tenant_id = p_tenant
      and (p_space is null or a.space_id = p_space)
      and (p_before is null or a.id < p_before)
      and a.id != all (v_failing)
      and not exists (select from public.unfinished_actions as u where u.tenant_id = p_tenant and u.action_id = a.id)
      and not exists (select from open_deliveries(p_tenant, a.id))
    order by a.id desc
    limit p_limit;
end;
$$;
