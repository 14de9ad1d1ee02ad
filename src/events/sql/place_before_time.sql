-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns a place in the log of a tenant: no event before it, or at it, happened at p_since or later.
create function place_before_time(p_tenant text, p_since timestamptz)
returns bigint
language sql
stable
as $$
  select
    coalesce(
      (
        select e.position - 1
        from public.events as e
        where e.tenant_id = p_tenant and e.position is not null and e.logged_at >= p_since
        order by e.logged_at, e.position
        limit 1
      ),
      (select last_position from event_log_bounds(p_tenant))
    );
$$;
