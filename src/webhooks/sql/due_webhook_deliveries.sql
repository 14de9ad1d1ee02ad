-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lists due deliveries, so many of each endpoint as it has free places: those of p_limits, and one if its last attempts
-- failed. p_leased are the endpoints of the deliveries that replicas are sending now, and whether the call is slow: it
-- takes so long already that most calls would be over. An endpoint with a slow call gets no further one while as many
-- calls of the tenant are slow as may be quick. is_unsteady: the last attempt of the endpoint failed. turn is the
-- position among what the tenant is sending and could send. It does not count slow calls, to a bound: a receiver that
-- hangs takes no places of the others.
create function due_webhook_deliveries(p_leased jsonb, p_limits jsonb, p_now timestamptz)
returns table (tenant_id text, id text, next_at timestamptz, is_unsteady boolean, turn bigint)
language sql
stable
set enable_seqscan = off
as $$
  with
    sending as (
      select
        l ->> 'tenant' as tenant_id, l ->> 'webhook' as webhook_id, count(*) as number,
        count(*) filter (where (l ->> 'slow')::boolean) as slow
      from jsonb_array_elements(p_leased) as l
      group by 1, 2
    ),
    busy as (
      select
        s.tenant_id, sum(s.slow) >= limit_count(p_limits, 'webhookCallsOfTenant') as is_slow,
        (sum(s.number) - least(sum(s.slow), limit_count(p_limits, 'slowWebhookCallsOfTenant')))::bigint as number
      from sending as s
      group by s.tenant_id
    ),
    due as (
      select
        o.tenant_id, d.id, d.next_at, w.failures > 0 as is_unsteady,
        row_number() over (
          partition by o.tenant_id, o.webhook_id
          order by d.next_at, d.seq
        ) + coalesce(s.number, 0) as place
      from
        endpoints_with_open_deliveries() as o
        join public.webhooks as w
          on w.tenant_id = o.tenant_id
          and w.id = o.webhook_id
          and w.disabled_at is null
          and w.deleted_at is null
          and w.paused_until <= p_now
        left join busy as b on b.tenant_id = o.tenant_id
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
          limit
            case
              when b.is_slow
                and s.slow > 0 then 0
              else greatest(
                  0,
                  case
                    when w.failures >= limit_count(p_limits, 'steadyFailures') then 1
                    else limit_count(p_limits, 'webhookCallsOfEndpoint')
                  end - coalesce(s.number, 0)
                )
            end
        ) as d
    )
  select
    d.tenant_id, d.id, d.next_at, d.is_unsteady,
    row_number() over (
      partition by d.tenant_id
      order by d.place, d.next_at, d.id
    ) + coalesce((select b.number from busy as b where b.tenant_id = d.tenant_id), 0)
  from due as d;
$$;
