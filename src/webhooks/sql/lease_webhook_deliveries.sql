-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Leases due deliveries, p_limit at most, and p_unsteady at most of endpoints whose last attempt failed. All replicas
-- together send as many to one endpoint, and for one tenant, as p_limits says: calls that take long do not count for
-- the tenant (due_webhook_deliveries). The tenants take turns. age_seconds is the time since the first attempt.
-- is_unsteady: the last attempt of the endpoint failed.
create function lease_webhook_deliveries(p_limit integer, p_unsteady integer, p_lease interval, p_limits jsonb)
returns table (
  tenant_id text,
  id text,
  webhook_id text,
  reason text,
  place bigint,
  event uuid,
  type text,
  space_id text,
  user_id text,
  at timestamptz,
  data jsonb,
  attempts integer,
  age_seconds double precision,
  is_unsteady boolean,
  url text,
  secret bytea,
  previous_secret bytea
)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_now timestamptz := clock_timestamp();
  v_each_tenant integer := limit_count(p_limits, 'webhookCallsOfTenant');
  v_leased jsonb;
begin
  perform take_lock('webhooks', '{}', true); -- one lease at a time, so that the bounds hold
  select
    coalesce(
      jsonb_agg(
        jsonb_build_object(
          'tenant', d.tenant_id, 'webhook', d.webhook_id,
          'slow', d.attempted_at < v_now - limit_time(p_limits, 'slowWebhookCallSeconds')
        )
      ),
      '[]'
    )
  into v_leased
  from public.webhook_deliveries as d
  where d.state = 'pending' and d.leased_until > 'epoch' and d.leased_until >= v_now;
  return query
    with
      ranked as (
        select
          t.*,
          row_number() over (
            partition by t.is_unsteady
            order by t.turn, t.next_at
          ) as nth
        from due_webhook_deliveries(v_leased, p_limits, v_now) as t
        where t.turn <= v_each_tenant
      ),
      chosen as (
        select r.tenant_id, r.id
        from ranked as r
        where not r.is_unsteady or r.nth <= p_unsteady
        order by r.turn, r.next_at
        limit p_limit
      ),
      leased as (
        update public.webhook_deliveries as d
        set
          leased_until = clock_timestamp() + p_lease,
          attempts = d.attempts + 1,
          attempted_at = clock_timestamp(),
          tried_since = coalesce(d.tried_since, clock_timestamp())
        from chosen as c
        where
          d.tenant_id = c.tenant_id
          and d.id = c.id
          and d.state = 'pending'
          and not d.behind
          and d.leased_until < v_now
        returning d.*
      )
    select
      l.tenant_id, l.id, l.webhook_id, l.reason, l.position, l.event, l.type, l.space_id, l.user_id, l.at, l.data,
      l.attempts, extract(epoch from clock_timestamp() - l.tried_since)::double precision, w.failures > 0, w.url,
      w.secret, case when w.previous_until > clock_timestamp() then w.previous_secret end
    from
      leased as l
      join public.webhooks as w on w.tenant_id = l.tenant_id and w.id = l.webhook_id
    order by l.seq;
end;
$$;
