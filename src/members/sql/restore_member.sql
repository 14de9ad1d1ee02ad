-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Gives a user the role in a space that an entry of the journal says, or takes it (member.delete), after a restore from
-- a backup that is older. A role that the database does not have is taken. Returns whether the role changed.
create function restore_member(p_tenant text, p_entry jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
declare
  v_space text := p_entry ->> 'spaceId';
  v_user text := p_entry ->> 'userId';
  v_role text := case
    when p_entry ->> 'action' != 'member.delete' then (find_role(p_tenant, p_entry #>> '{details,role}')).name
  end;
  v_before text;
begin
  if (find_space(p_tenant, v_space)).id is null then
    return false;
  end if;
  select role
  into v_before
  from public.members
  where tenant_id = p_tenant and space_id = v_space and user_id = v_user
  for update;
  if v_before is not distinct from v_role then
    return false;
  end if;
  if v_role is null then
    delete from public.members where tenant_id = p_tenant and space_id = v_space and user_id = v_user;
  else
    insert into public.members (tenant_id, space_id, user_id, role)
    values (p_tenant, v_space, v_user, v_role)
    on conflict (tenant_id, space_id, user_id) do update
      set
        role = excluded.role,
        by_rank = null,
        outranked_at = null,
        updated_at = now();
  end if;
  return true;
end;
$$;
