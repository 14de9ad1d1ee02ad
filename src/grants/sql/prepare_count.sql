-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Takes the next step towards a count that can be relied on. First changes of grants begin to be noted. Then all
-- transactions have to end that may not have seen this: a transaction that changes grants gets its id before it looks
-- (note_places). Then the count is filled. The transaction holds the lock of the capacity.
create function prepare_count(p_count public.place_counts, p_limits jsonb)
returns void
language plpgsql
as $$
begin
  -- A longer wait than that is from before the clock was set back. begins_at is rounded to a millisecond.
  if
    p_count.begins_at > clock_timestamp()
    and p_count.begins_at <= now() + limit_time(p_limits, 'countAfterSeconds') + interval '1 millisecond'
  then
    return;
  end if;
  if not p_count.is_noted then
    insert into public.place_sources (tenant_id, space_id, count_id)
    select distinct p_count.tenant_id, s.space_id, p_count.id
    from spaces_sharing(p_count.tenant_id, p_count.space_id) as s;
    update public.place_counts set is_noted = true where tenant_id = p_count.tenant_id and id = p_count.id;
  elsif p_count.horizon is null then
    -- Every id that was given before this one is lower, if this one is given now.
    if pg_current_xact_id_if_assigned() is null then
      update public.place_counts
      set horizon = pg_current_xact_id()::text::bigint
      where tenant_id = p_count.tenant_id and id = p_count.id;
    end if;
  elsif p_count.horizon > pg_snapshot_xmax(pg_current_snapshot())::text::bigint then
    -- The database was restored in another cluster, which counts transactions anew.
    update public.place_counts set horizon = null where tenant_id = p_count.tenant_id and id = p_count.id;
  elsif not writer_from_before(p_count.horizon) then
    perform fill_count(p_count, p_limits);
  end if;
end;
$$;
