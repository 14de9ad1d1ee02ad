-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Does what silence_action does, for those of these actions that were not silenced before.
create function silence_actions(p_tenant text, p_actions text[])
returns void
language sql
as $$
  select silence_action(p_tenant, a.id)
  from public.actions as a
  where a.tenant_id = p_tenant and a.id = any (p_actions) and a.silenced_at is null;
$$;
