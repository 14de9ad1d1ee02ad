-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says how old the oldest action of all tenants is that has not treated all its grants yet, in seconds since it was
-- asked for; 0 if there is none.
create function oldest_unfinished_action()
returns double precision
language sql
stable
as $$
  select coalesce(greatest(extract(epoch from clock_timestamp() - min(a.requested_at)), 0), 0)::double precision
  from
    public.unfinished_actions as u
    join public.actions as a on a.tenant_id = u.tenant_id and a.id = u.action_id;
$$;
