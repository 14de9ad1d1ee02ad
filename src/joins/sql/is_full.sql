-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether the capacity of a space keeps this user out. A user who has a place does not need another one, and does
-- not wait. Other users are let in one after the other, unless p_is_dry.
create function is_full(p_space public.spaces, p_user text, p_limits jsonb, p_is_dry boolean)
returns boolean
language plpgsql
as $$
begin
  if p_space.capacity is null or has_place(p_space, p_user, p_limits) then
    return false;
  end if;
  if p_is_dry then
    return users_in_space(p_space.tenant_id, p_space.id, p_user) >= p_space.capacity;
  end if;
  perform take_lock('capacity', array[p_space.tenant_id, p_space.id], true);
  return users_inside(p_space, p_user, p_limits) >= p_space.capacity;
end;
$$;
