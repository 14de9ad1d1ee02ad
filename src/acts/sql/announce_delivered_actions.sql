-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Looks at p_most actions at most whose turn it is, and writes the event action.delivered of those that are delivered:
-- no delivery is open, all grants are treated, and no look that they rest on fails. It writes one for each action.
-- An action that is pending is looked at again after a quarter of its age, half a second to half a minute later.
-- Returns how many it looked at. Actions that another transaction changes now are left for the next call.
create function announce_delivered_actions(p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
  v_action public.actions;
  v_looked_at bigint := 0::bigint;
begin
  for v_action in
    select *
    from public.actions
    where not delivery_told and look_again_at <= v_now
    order by look_again_at
    limit p_most
    for no key update skip locked
  loop
    v_looked_at := v_looked_at + 1;
    if
      exists (select from open_deliveries(v_action.tenant_id, v_action.id))
      or exists (select from public.unfinished_actions where tenant_id = v_action.tenant_id and action_id = v_action.id)
      or exists (select from actions_on_failing_looks(v_action.tenant_id, array[v_action.id]))
    then
      update public.actions
      set look_again_at = v_now + greatest(
        interval '0.5 seconds', least(interval '30 seconds', (v_now - v_action.created_at) / 4)
      )
      where tenant_id = v_action.tenant_id and id = v_action.id;
    else
      update public.actions set delivery_told = true where tenant_id = v_action.tenant_id and id = v_action.id;
      perform
        write_events(v_action.tenant_id, jsonb_build_array(action_event(v_action, 'action.delivered', '{}')));
    end if;
  end loop;
  return v_looked_at;
end;
$$;
