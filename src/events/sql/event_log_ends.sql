-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the place of the newest event of each of these tenants. A tenant without an event is left out.
create function event_log_ends(p_tenants text[])
returns table (tenant_id text, last_position bigint)
language sql
stable
as $$
  select l.tenant_id, l.last_position
  from public.event_logs as l
  where l.tenant_id = any (p_tenants);
$$;
