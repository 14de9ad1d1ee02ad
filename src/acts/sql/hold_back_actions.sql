-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Keeps deliveries of these actions from beginning for the time p_for. An undoing calls it to wait for a call that is
-- on its way.
create function hold_back_actions(p_tenant text, p_actions text[], p_for interval)
returns void
language sql
as $$
  update public.actions
  set held_until = clock_timestamp() + p_for
  where tenant_id = p_tenant and id = any (p_actions);
$$;
