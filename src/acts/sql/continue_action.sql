-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Takes the next step of an action against many grants. It does nothing if the action is undone or finished.
create function continue_action(p_tenant text, p_action text, p_limits jsonb)
returns void
language plpgsql
as $$
declare
  v_rest public.unfinished_actions;
  v_next text[];
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select *
  into v_rest
  from public.unfinished_actions
  where tenant_id = p_tenant and action_id = p_action
  limit 1;
  if not found then
    return;
  end if;
  -- The locks are taken in the same order as for undoing the action: first the watches, then the action.
  v_next := v_rest.grants[:limit_count(p_limits, 'grantsAtOnce')];
  perform watch_spaces(p_tenant, spaces_to_watch(grants_by_id(p_tenant, v_next), v_rest.keep_out));
  perform take_lock('action', array[p_tenant, p_action], false);
  delete from public.unfinished_actions
  where tenant_id = p_tenant and action_id = p_action and watch_for = v_rest.watch_for and grants = v_rest.grants;
  if not found then
    return;
  end if;
  perform
    act_on_grants(
      p_tenant, p_action, v_rest.grants, v_rest.keep_out, v_rest.watch_for,
      greatest(v_rest.watch_from - clock_timestamp(), interval '0'), p_limits
    );
  perform silence_action(p_tenant, p_action);
end;
$$;
