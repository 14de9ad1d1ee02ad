-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says why admit must decide on a vend of a group alone: it has to wait for somebody, or to do something before it
-- decides. Null: its decision is the dry one of decide_admission. The transaction holds the lock of the user
-- exclusively. p_rank is as in admission_refusal. p_roles_claimed is null if an API key names the role.
create function why_alone(
  p_tenant public.tenants,
  p_space public.spaces,
  p_role public.roles,
  p_rank integer,
  p_user text,
  p_pseudonym text,
  p_roles_claimed text[],
  p_chat boolean,
  p_limits jsonb
)
returns text
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  if p_space.capacity is not null then
    return 'capacity';
  end if;
  if p_rank is not null and refusal_by_rank(p_tenant.id, p_user, p_space.id, p_rank) is not null then
    return 'ban';
  end if;
  if
    p_role.name = any (p_roles_claimed)
    and exists (
      select
      from members_of_spaces(p_tenant.id, array[p_space.id], array[p_user]) as m
      where not binds(m.by_rank, p_role.rank)
    )
  then
    return 'member';
  end if;
  if
    p_chat
    and seconds_until_disconnected(
      p_tenant.id, p_space.room_arn, case p_tenant.ivs_user_ids when 'plain' then p_user else p_pseudonym end, '{}',
      false
    ) is not null
  then
    return 'disconnecting';
  end if;
  if
    p_tenant.one_live_token != 'off'
    and exists (select from other_live_tokens(p_tenant, p_space, p_user, true, p_chat, null, p_limits))
  then
    return 'live_token';
  end if;
  return null;
end;
$$;
