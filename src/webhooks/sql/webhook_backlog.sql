-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says how webhooks stand, of all tenants: open deliveries, enabled endpoints whose last p_steady attempts failed, and
-- the age of the oldest open delivery of an enabled endpoint that does not fail, in seconds; 0 if there is none.
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
        select extract(epoch from now() - min(d.created_at))
        from
          public.webhook_deliveries as d
          join public.webhooks as w on w.tenant_id = d.tenant_id and w.id = d.webhook_id
        where d.state = 'pending' and w.failures < p_steady and w.disabled_at is null and w.deleted_at is null
      ),
      0
    )::double precision;
$$;
