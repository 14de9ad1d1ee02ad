-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the events of a tenant after a place, in the order of the log, p_most at most.
create function events_after(p_tenant text, p_after bigint, p_most integer)
returns table (place bigint, id uuid, type text, space_id text, user_id text, at timestamptz, data jsonb)
language sql
stable
as $$
  select e.position, e.id, e.type, e.space_id, e.user_id, e.at, e.data
  from public.events as e
  where e.tenant_id = p_tenant and e.position > p_after
  order by e.position
  limit p_most;
$$;
