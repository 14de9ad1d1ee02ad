-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Cancels what an action that is being undone still wants, and ends its holds: p_limits.cancelledAtOnce of each at
-- most. Returns whether that was all. p_why goes into the deliveries.
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
