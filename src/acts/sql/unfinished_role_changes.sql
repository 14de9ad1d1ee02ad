-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the changes of a user's role in a space that have holds, open deliveries, or grants that they have
-- not treated yet.
create function unfinished_role_changes(p_tenant text, p_space text, p_user text)
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(a.id), '{}')
  from public.actions as a
  where
    a.tenant_id = p_tenant
    and a.user_id = p_user
    and a.space_id = p_space
    and a.kind = 'role.change'
    and (
      exists (select from holds_of_action(p_tenant, a.id))
      or exists (select from public.unfinished_actions as u where u.tenant_id = p_tenant and u.action_id = a.id)
      or exists (select from open_deliveries(p_tenant, a.id))
    );
$$;
