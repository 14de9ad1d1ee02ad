-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Brings the count of a space up to date and returns it. Returns a null row if there is none to rely on: it takes a few
-- calls to fill one, and a step treats only so many users. Else every place in it is that of a user with a place, and
-- no user is missing. The transaction holds the lock of the capacity.
create function current_count(p_space public.spaces, p_limits jsonb)
returns public.place_counts
language plpgsql
as $$
declare
  v_count public.place_counts;
begin
  select *
  into v_count
  from public.place_counts
  where tenant_id = p_space.tenant_id and space_id = p_space.id and not is_ended;
  if v_count.id is null then
    perform begin_count(p_space, interval '0');
    return null;
  end if;
  if v_count.space_updated_at != p_space.updated_at then
    perform end_count(v_count);
    perform begin_count(p_space, interval '0');
    return null;
  end if;
  if
    exists (
      select from public.place_notes where tenant_id = v_count.tenant_id and count_id = v_count.id and user_id is null
    )
  then
    -- A replica of the release before is at work, and will go on for some time.
    perform end_count(v_count);
    perform begin_count(p_space, limit_time(p_limits, 'countAfterSeconds'));
    return null;
  end if;
  if not v_count.is_filled then
    perform prepare_count(v_count, p_limits);
    return null;
  end if;
  if not count_noted(v_count, p_limits) or not end_places(v_count, p_limits) then
    return null;
  end if;
  select * into v_count from public.place_counts where tenant_id = v_count.tenant_id and id = v_count.id;
  return v_count;
end;
$$;
