-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns { "rank" } of a user who may moderate in a space, or { "refused": "banned" or "no_moderator" }. p_claimed has
-- the names of the roles that their JWT claims.
-- Null p_space means the whole tenant. Who acts there acts in every space. So a ban from any space refuses them, and so
-- does a member row that does not moderate. Their rank is the lowest of all these roles.
-- p_pseudonym is as in ban_in_force.
create function moderator_rank(p_tenant text, p_space text, p_user text, p_claimed text[], p_pseudonym text)
returns jsonb
language plpgsql
stable
as $$
declare
  v_claimed public.roles := claimed_role(p_tenant, p_claimed);
  v_roles text[] := case
    when p_space is null then v_claimed.name || binding_member_roles(p_tenant, p_user, v_claimed.rank)
    else array[(role_in_space(p_tenant, p_space, p_user, p_claimed)).name]
  end;
  v_rank integer := rank_of_moderators(p_tenant, v_roles);
  -- The default role of a space is everybody's. It gives no rank that a ban does not bind.
  v_own_rank integer := case
    when p_space is null then v_rank
    else rank_of_roles(p_tenant, array[role_name_in_space(p_tenant, p_space, p_user, p_claimed, null)])
  end;
begin
  if (ban_in_force(p_tenant, p_user, p_space, v_own_rank, p_pseudonym)).id is not null then
    return refusal('banned');
  end if;
  if v_rank is null then
    return refusal('no_moderator');
  end if;
  return jsonb_build_object('rank', v_rank);
end;
$$;
