-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Drops events that were put into the log longer ago than p_older_than, or than their tenant keeps them: of one tenant,
-- p_most at most. Returns how many. Calls at the same time take different tenants.
create function drop_old_events(p_older_than interval, p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
  v_before timestamptz := v_now - p_older_than;
  v_log public.event_logs;
  v_dropped bigint;
begin
  select *
  into v_log
  from public.event_logs
  where first_at < v_before
  order by first_at
  limit 1
  for update skip locked;
  if not found then
    select l.*
    into v_log
    from
      shorter_retentions('events', p_older_than) as s
      join public.event_logs as l on l.tenant_id = s.tenant_id and l.first_at < v_now - s.kept
    limit 1
    for update of l skip locked;
    v_before := v_now - (
      select s.kept from shorter_retentions('events', p_older_than) as s where s.tenant_id = v_log.tenant_id
    );
  end if;
  if v_log.tenant_id is null or v_before is null then
    return 0::bigint;
  end if;
  -- No event of the log is newer than one before it. So these are its first.
  delete from public.events
  where
    tenant_id = v_log.tenant_id
    and position >= v_log.first_position
    and position < v_log.first_position + p_most
    and logged_at < v_before;
  get diagnostics v_dropped = row_count;
  update public.event_logs
  set
    first_position = v_log.first_position + v_dropped,
    first_at = (
      select logged_at
      from public.events
      where tenant_id = v_log.tenant_id and position = v_log.first_position + v_dropped
    )
  where tenant_id = v_log.tenant_id;
  return v_dropped;
end;
$$;
