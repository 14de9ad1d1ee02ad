-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the rank of a user whose JWT is not known: the highest rank of their member rows and of the roles of their
-- grants (granted_roles). A grant from before a change of their role does not count. -1 means that they have no role.
-- Null p_space means all spaces.
create function rank_of(p_tenant text, p_space text, p_user text, p_limits jsonb)
returns integer
language plpgsql
stable
as $$
begin
  return rank_of_roles(
    p_tenant,
    member_roles(p_tenant, p_space, p_user) || array(
      select g.role
      from granted_roles(p_tenant, p_space, p_user, p_limits) as g
      where not role_changed_since(p_tenant, g.space_id, p_user, g.turn, g.issued_at)
    )
  );
end;
$$;
