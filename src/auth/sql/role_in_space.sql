-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of a user in a space, by the rule of role_name_in_space. A null row means that they have none.
-- p_claimed is as there.
create function role_in_space(p_tenant text, p_space text, p_user text, p_claimed text[])
returns public.roles
language plpgsql
stable
as $$
begin
  return find_role(
    p_tenant, role_name_in_space(p_tenant, p_space, p_user, p_claimed, default_role_of_space(p_tenant, p_space))
  );
end;
$$;
