-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the name of a user's role in a space: the role of their member row; else the role that their JWT claims
-- (claimed_role); else p_default, the default role of the space; else null. A member row that a person wrote does not
-- count if the claimed role has their rank or a higher one. p_claimed has the names of the roles that the JWT claims.
create function role_name_in_space(p_tenant text, p_space text, p_user text, p_claimed text[], p_default text)
returns text
language plpgsql
stable
as $$
declare
  v_claimed public.roles;
begin
  if cardinality(p_claimed) > 0 then
    v_claimed := claimed_role(p_tenant, p_claimed);
  end if;
  return coalesce(member_role(p_tenant, p_space, p_user, v_claimed.rank), v_claimed.name, p_default);
end;
$$;
