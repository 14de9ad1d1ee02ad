-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Drops events that were put into the log longer ago than p_older_than: of one tenant, the one with the oldest event,
-- and p_most at most. Returns how many. Calls at the same time take different tenants.
create function drop_old_events(p_older_than interval, p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_before timestamptz := clock_timestamp() - p_older_than; -- read once, so that Postgres can use an index
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
