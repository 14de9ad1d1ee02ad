-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Cancels open deliveries of an action that is being undone, and ends its holds: at most p_limits.cancelledAtOnce of
-- each. Returns whether none is left. p_why becomes the last_error of the deliveries.
create function cancel_action(p_tenant text, p_action text, p_why text, p_limits jsonb)
returns boolean
language plpgsql
as $$
declare
  v_at_once integer := limit_count(p_limits, 'cancelledAtOnce');
  v_cancelled integer;
  v_released integer;
begin
  delete from public.unfinished_actions where tenant_id = p_tenant and action_id = p_action;
  v_cancelled := cancel_deliveries(p_tenant, p_action, p_why, v_at_once);
  v_released := end_holds_of_action(p_tenant, p_action, v_at_once);
  return v_cancelled < v_at_once and v_released < v_at_once;
end;
$$;
