-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Sets the time at which an action had silenced everybody that it concerns, if it is finished, only follow-up
-- deliveries are open, and no look at a stage that it rests on fails. Returns null, or { "kind", "seconds" } the first
-- time: the seconds since the request came in.
create function silence_action(p_tenant text, p_action text)
returns jsonb
language plpgsql
as $$
declare
  v_action public.actions;
  v_seconds double precision;
begin
  select * into v_action from public.actions where tenant_id = p_tenant and id = p_action for no key update;
  if
    exists (select from open_deliveries(p_tenant, p_action) as d where not d.is_follow_up)
    or exists (select from public.unfinished_actions where tenant_id = p_tenant and action_id = p_action)
    or exists (select from actions_on_failing_looks(p_tenant, array[p_action]))
  then
    return null;
  end if;
  update public.actions
  set
    silenced_at = clock_timestamp(),
    look_again_at = clock_timestamp()
  where tenant_id = p_tenant and id = p_action;
  if v_action.silenced_at is not null then
    return null;
  end if;
  -- The clock may have been set back meanwhile.
  v_seconds := greatest(0, extract(epoch from clock_timestamp() - v_action.requested_at)::double precision);
  perform
    write_events(
      p_tenant, jsonb_build_array(action_event(v_action, 'action.silenced', jsonb_build_object('seconds', v_seconds)))
    );
  return jsonb_build_object('kind', v_action.kind, 'seconds', v_seconds);
end;
$$;
