-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets no delivery of these actions begin for p_for: somebody who wants to undo them waits for one that is on its way.
create function hold_back_actions(p_tenant text, p_actions text[], p_for interval)
returns void
language sql
as $$
  update public.actions
  set held_until = clock_timestamp() + p_for
  where tenant_id = p_tenant and id = any (p_actions);
$$;
