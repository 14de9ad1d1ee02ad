-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Takes ends of tenants that are due, p_limit at most, those that have waited longest first. For the time p_lease no
-- other replica takes them.
create function take_tenant_ends(p_lease interval, p_limit integer)
returns setof public.tenant_ends
language sql
as $$
  update public.tenant_ends
  set leased_until = clock_timestamp() + p_lease
  where
    ctid = any (
      array(
        select ctid
        from public.tenant_ends
        where ended_at is null and next_at <= clock_timestamp() and leased_until <= clock_timestamp()
        order by next_at
        limit p_limit
        for update skip locked
      )
    )
  returning *;
$$;
