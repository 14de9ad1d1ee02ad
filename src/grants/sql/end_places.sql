-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Deletes the places of a count whose time is over, placesAtOnce at most. Returns whether these were all. The
-- transaction holds the lock of the capacity.
create function end_places(p_count public.place_counts, p_limits jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
set plan_cache_mode = force_custom_plan
as $$
declare
  v_most integer := limit_count(p_limits, 'placesAtOnce');
  v_over tid[] := array(
    select ctid
    from public.places
    where tenant_id = p_count.tenant_id and count_id = p_count.id and until <= now()
    order by until
    limit v_most
  );
begin
  if cardinality(v_over) > 0 then
    delete from public.places where ctid = any (v_over);
    update public.place_counts
    set users = users - cardinality(v_over)
    where tenant_id = p_count.tenant_id and id = p_count.id;
  end if;
  return cardinality(v_over) < v_most;
end;
$$;
