-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes the checks that admit and settle both make: the credential, the tenant, the space, bans, the role, a freeze.
-- Returns null, or { "refused": code, ... } of the first one that fails. The caller has read the rows under the locks
-- of the space and of the user. Null rows mean that there are none.
-- p_own_role is the user's own role: the one that is asked for, of a member row or claimed. p_rank is its rank. A
-- default role is everybody's and gives no rank. p_pseudonym is as in ban_in_force.
create function admission_refusal(
  p_tenant public.tenants,
  p_space public.spaces,
  p_role public.roles,
  p_user text,
  p_own_role text,
  p_rank integer,
  p_caller_kind text,
  p_credential text,
  p_pseudonym text
)
returns jsonb
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_banned jsonb;
begin
  if not credential_holds(p_tenant.id, p_caller_kind, p_credential) then
    return refusal('credential');
  end if;
  if p_tenant.status != 'active' then
    return refusal('tenant_suspended');
  end if;
  if p_space.id is null then
    return refusal('space_unknown');
  end if;
  if p_space.status != 'open' then
    return refusal('space_closed');
  end if;
  v_banned := ban_refusal(p_tenant.id, p_user, p_space.id, p_rank, p_pseudonym);
  if v_banned is not null then
    return v_banned;
  end if;
  if p_own_role is null and p_space.default_role is null then
    return refusal('role_none');
  end if;
  if p_role.name is null then
    return refusal('role_unknown');
  end if;
  if p_space.frozen_at is not null and not p_role.moderator then
    return refusal('space_frozen');
  end if;
  return null;
end;
$$;
