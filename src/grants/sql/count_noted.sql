-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Counts the noted users of a count anew, placesAtOnce notes at most. Returns whether these were all. The transaction
-- holds the lock of the capacity.
create function count_noted(p_count public.place_counts, p_limits jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
declare
  v_most integer := limit_count(p_limits, 'placesAtOnce');
  v_notes bigint[] := array(
    select id
    from public.place_notes
    where tenant_id = p_count.tenant_id and count_id = p_count.id
    order by id
    limit v_most
  );
  v_users text[];
  v_gone integer;
  v_come integer;
begin
  if cardinality(v_notes) = 0 then
    return true;
  end if;
  with
    read as (
      delete from public.place_notes
      where tenant_id = p_count.tenant_id and count_id = p_count.id and id = any (v_notes)
      returning user_id
    )
  select array_agg(distinct user_id)
  into v_users
  from read;

  -- The grants are read after their notes. What changes later has a note of its own. Without the + 0 the planner may
  -- read all places of the count.
  delete from public.places
  where tenant_id = p_count.tenant_id and user_id = any (v_users) and count_id + 0 = p_count.id;
  get diagnostics v_gone = row_count;
  insert into public.places (tenant_id, count_id, user_id, until)
  select p_count.tenant_id, p_count.id, noted.user_id, place.until
  from
    unnest(v_users) as noted (user_id)
    cross join lateral place_of_user(p_count, noted.user_id, p_limits) as place (until)
  where place.until is not null;
  get diagnostics v_come = row_count;
  update public.place_counts
  set users = users + v_come - v_gone
  where tenant_id = p_count.tenant_id and id = p_count.id and v_come != v_gone;
  return cardinality(v_notes) < v_most;
end;
$$;
