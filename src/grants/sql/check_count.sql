-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Checks the count of one space: the one whose last check is longest ago, and longer than p_every. It mends what is
-- wrong, and brings the count up to date, so that notes do not pile up while no newcomer comes. The count of a space
-- that is deleted or has no capacity any more ends. A count that has ended is deleted.
-- Returns null if no count is due, else the number of users that were counted wrongly, placesAtOnce at most.
create function check_count(p_every interval, p_limits jsonb)
returns integer
language plpgsql
as $$
declare
  v_most integer := limit_count(p_limits, 'placesAtOnce');
  v_count public.place_counts;
  v_space public.spaces;
  v_wrong integer := 0;
begin
  select *
  into v_count
  from public.place_counts
  where checked_at not between now() - p_every and now()
  order by checked_at
  limit 1;
  if v_count.id is null then
    return null;
  end if;
  if v_count.is_ended then
    perform delete_count(v_count, v_most);
    return 0;
  end if;
  v_space := find_space(v_count.tenant_id, v_count.space_id);
  if v_count.is_filled and v_space.capacity is not null and v_count.space_updated_at = v_space.updated_at then
    -- This reads much, so nobody waits for it.
    insert into public.place_notes (tenant_id, count_id, user_id)
    select v_count.tenant_id, v_count.id, w.user_id
    from wrong_places(v_count, v_most) as w;
    get diagnostics v_wrong = row_count;
  end if;
  perform take_lock('capacity', array[v_count.tenant_id, v_count.space_id], true);
  if v_space.capacity is null then
    perform end_count(v_count);
    return 0;
  end if;
  return v_wrong + settle_count(v_space, p_limits);
end;
$$;
