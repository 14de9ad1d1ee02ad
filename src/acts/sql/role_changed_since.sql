-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a moderator has changed the role of a user in a space after a grant was recorded. Both happen under the
-- lock of the user, and the turns tell their order. p_turn and p_since are those of the grant. Rows from before the
-- column turn was there have none: their times decide.
create function role_changed_since(p_tenant text, p_space text, p_user text, p_turn bigint, p_since timestamptz)
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
        and coalesce(turn > p_turn, created_at > p_since)
    );
$$;
