-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists due deliveries, so many of each endpoint as it has free places: p_each in all, and one if its last p_steady
-- attempts failed. p_leased are the endpoints of the deliveries that replicas are sending now. is_unsteady: the last
-- attempt of the endpoint failed. turn is the position among what the tenant is sending and could send. It reads one
-- entry of the index for each endpoint with open deliveries.
create function due_webhook_deliveries(p_leased jsonb, p_each integer, p_steady integer, p_now timestamptz)
returns table (tenant_id text, id text, next_at timestamptz, is_unsteady boolean, turn bigint)
language sql
stable
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
    ),
    sending as (
      select l ->> 'tenant' as tenant_id, l ->> 'webhook' as webhook_id, count(*) as number
      from jsonb_array_elements(p_leased) as l
      group by 1, 2
    ),
    due as (
      select
        o.tenant_id, d.id, d.next_at, w.failures > 0 as is_unsteady,
        row_number() over (
          partition by o.tenant_id, o.webhook_id
          order by d.next_at, d.seq
        ) + coalesce(s.number, 0) as place
      from
        open as o
        join public.webhooks as w
          on w.tenant_id = o.tenant_id
          and w.id = o.webhook_id
          and w.disabled_at is null
          and w.deleted_at is null
          and w.paused_until <= p_now
        left join sending as s on s.tenant_id = o.tenant_id and s.webhook_id = o.webhook_id
        cross join lateral (
          select e.id, e.next_at, e.seq
          from public.webhook_deliveries as e
          where
            e.tenant_id = o.tenant_id
            and e.webhook_id = o.webhook_id
            and e.state = 'pending'
            and not e.behind
            and e.next_at <= p_now
            and e.leased_until < p_now
          order by e.next_at, e.seq
          limit greatest(0, case when w.failures >= p_steady then 1 else p_each end - coalesce(s.number, 0))
        ) as d
    )
  select
    d.tenant_id, d.id, d.next_at, d.is_unsteady,
    row_number() over (
      partition by d.tenant_id
      order by d.place, d.next_at, d.id
    ) + coalesce((select sum(s.number) from sending as s where s.tenant_id = d.tenant_id), 0)::bigint
  from due as d;
$$;
