-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what users_in_space returns, from the count of the space if there is one to rely on. The transaction holds
-- the lock of the capacity, so nobody else counts and no newcomer is missed.
create function users_inside(p_space public.spaces, p_except text, p_limits jsonb)
returns bigint
language plpgsql
set enable_seqscan = off
as $$
declare
  v_count public.place_counts := current_count(p_space, p_limits);
begin
  if v_count.id is null then
    return users_in_space(p_space.tenant_id, p_space.id, p_except);
  end if;
  -- Without the + 0 the planner may read all places of the count.
  return v_count.users - (
    select count(*)
    from public.places
    where tenant_id = v_count.tenant_id and user_id = p_except and count_id + 0 = v_count.id
  );
end;
$$;
