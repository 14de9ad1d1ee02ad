-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a moderator has changed the role of a user in a space after p_since.
create function role_changed_since(p_tenant text, p_space text, p_user text, p_since timestamptz)
returns boolean
language sql
stable
as $$
  select
    exists (
      select
      from public.actions
      where
        tenant_id = p_tenant
        and user_id = p_user
        and space_id = p_space
        and kind = 'role.change'
        and created_at > p_since
    );
$$;
