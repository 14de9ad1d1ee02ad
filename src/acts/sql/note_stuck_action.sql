-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Writes the event action.stuck when IVS refuses a call of an action to the service for the first time. Later refusals
-- write none.
create function note_stuck_action(p_tenant text, p_action text, p_operation text, p_target text, p_error text)
returns void
language plpgsql
as $$
declare
  v_action public.actions;
begin
  update public.actions
  set stuck_at = clock_timestamp()
  where tenant_id = p_tenant and id = p_action and stuck_at is null
  returning *
  into v_action;
  if found then
    perform
      write_events(
        p_tenant,
        jsonb_build_array(
          action_event(
            v_action, 'action.stuck',
            jsonb_build_object('operation', p_operation, 'target', p_target, 'error', coalesce(p_error, ''))
          )
        )
      );
  end if;
end;
$$;
