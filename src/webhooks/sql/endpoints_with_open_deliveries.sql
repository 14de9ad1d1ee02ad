-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists the endpoints that have open deliveries, but those behind another of their chain. It reads one entry of the
-- index for each endpoint.
create function endpoints_with_open_deliveries()
returns table (tenant_id text, webhook_id text)
language sql
stable
rows 100
set enable_seqscan = off
as $$
  with recursive
    open as (
      (
        select d.tenant_id, d.webhook_id
        from public.webhook_deliveries as d
        where d.state = 'pending' and not d.behind
        order by d.tenant_id, d.webhook_id
        limit 1
      )
      union all
      select next.tenant_id, next.webhook_id
      from
        open as o
        cross join lateral (
          select d.tenant_id, d.webhook_id
          from public.webhook_deliveries as d
          where d.state = 'pending' and not d.behind and (d.tenant_id, d.webhook_id) > (o.tenant_id, o.webhook_id)
          order by d.tenant_id, d.webhook_id
          limit 1
        ) as next
    )
  select o.tenant_id, o.webhook_id
  from open as o;
$$;
