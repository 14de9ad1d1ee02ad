-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Gives at most p_limit events their places in the logs of their tenants, and tells all replicas by NOTIFY. Returns the
-- tenants, each with the number of its events. One replica does it at a time; the others wait.
-- Places are given after the commits, under one lock. So whoever sees a place also sees all places before it.
create function number_events(p_limit integer)
returns table (tenant_id text, events bigint)
language plpgsql
as $$
begin
  perform take_lock('event log', '{}', true);
  -- A statement of its own: it sees what was committed before the lock was taken.
  return query
    select p.tenant_id, p.events
    from
      place_events(p_limit) as p
      cross join lateral pg_notify('stagedoor_events', p.tenant_id);
end;
$$;
