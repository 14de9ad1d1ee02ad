-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns the time at which the first event after a place was put into the log; null if there is none.
create function logged_after(p_tenant text, p_after bigint)
returns timestamptz
language sql
stable
as $$
  select e.logged_at
  from public.events as e
  where e.tenant_id = p_tenant and e.position > p_after
  order by e.position
  limit 1;
$$;
