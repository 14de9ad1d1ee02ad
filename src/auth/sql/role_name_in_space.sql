-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the name of a user's role in a space: the role of their member row; else the role that their JWT claims, if
-- the tenant has it; else p_default, the default role of the space; else null.
create function role_name_in_space(p_tenant text, p_space text, p_user text, p_claimed text, p_default text)
returns text
language plpgsql
stable
as $$
begin
  return coalesce(
    member_role(p_tenant, p_space, p_user),
    case when p_claimed is not null then (find_role(p_tenant, p_claimed)).name end, p_default
  );
end;
$$;
