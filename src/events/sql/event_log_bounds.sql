-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the places of the oldest event of a tenant that is kept, and of its newest. If none is kept, the first is the
-- next one. A tenant that never had an event has the places 1 and 0.
create function event_log_bounds(p_tenant text)
returns table (first_position bigint, last_position bigint)
language sql
stable
as $$
  select coalesce(max(l.first_position), 1), coalesce(max(l.last_position), 0)
  from public.event_logs as l
  where l.tenant_id = p_tenant;
$$;
