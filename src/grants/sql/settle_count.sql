-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Brings the count of a space up to date, and notes that it was checked. A count with more notes than one step treats
-- stays due. Returns by how many its number of users was off. The transaction holds the lock of the capacity.
create function settle_count(p_space public.spaces, p_limits jsonb)
returns integer
language plpgsql
as $$
declare
  v_is_current boolean := (current_count(p_space, p_limits)).id is not null;
  v_count public.place_counts;
  v_places integer;
begin
  select *
  into v_count
  from public.place_counts
  where tenant_id = p_space.tenant_id and space_id = p_space.id and not is_ended;
  v_places := case
    when v_count.is_filled then (
        select count(*)::integer from public.places where tenant_id = v_count.tenant_id and count_id = v_count.id
      )
    else v_count.users
  end;
  update public.place_counts
  set
    users = v_places,
    checked_at = case when v_is_current or not v_count.is_filled then now() else checked_at end
  where tenant_id = v_count.tenant_id and id = v_count.id;
  return abs(v_places - v_count.users);
end;
$$;
