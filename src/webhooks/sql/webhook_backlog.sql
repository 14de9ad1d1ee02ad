-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says how webhooks stand, of all tenants: open deliveries, enabled endpoints whose last p_steady attempts failed, and
-- the age in seconds of the oldest thing that an enabled endpoint which does not fail has not taken: an open delivery,
-- or an event that still waits in the log, because too many deliveries are open; 0 if there is none.
create function webhook_backlog(p_steady integer)
returns table (open bigint, failing bigint, oldest_seconds double precision)
language sql
stable
as $$
  select
    (select count(*) from public.webhook_deliveries as d where d.state = 'pending'),
    (
      select count(*)
      from public.webhooks as w
      where w.failures >= p_steady and w.disabled_at is null and w.deleted_at is null
    ),
    coalesce(
      (
        select extract(epoch from now() - min(oldest.at))
        from
          public.webhooks as w
          cross join lateral event_log_bounds(w.tenant_id) as l
          cross join lateral (
            select min(d.created_at) as at
            from public.webhook_deliveries as d
            where d.tenant_id = w.tenant_id and d.webhook_id = w.id and d.state = 'pending'
            union all
            select logged_after(w.tenant_id, w.position)
            where w.position < l.last_position
          ) as oldest
        where w.failures < p_steady and w.disabled_at is null and w.deleted_at is null
      ),
      0
    )::double precision;
$$;
