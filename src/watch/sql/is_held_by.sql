-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether an action holds a grant.
create function is_held_by(p_tenant text, p_grant text, p_action text)
returns boolean
language sql
stable
as $$
  select
    exists (select from public.holds where tenant_id = p_tenant and grant_id = p_grant and action_id = p_action);
$$;
