-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lists p_limit deliveries of an endpoint at most, the newest first, from the one before p_before; null: from the
-- newest. p_state: only those in this state; null: all.
create function page_of_webhook_deliveries(
  p_tenant text,
  p_webhook text,
  p_state text,
  p_before bigint,
  p_limit integer
)
returns setof public.webhook_deliveries
language sql
stable
set enable_seqscan = off
set enable_bitmapscan = off
as $$
  select d.*
  from
    unnest(array['pending', 'delivered', 'failed']) as s (state)
    cross join lateral (
      select e.*
      from public.webhook_deliveries as e
      where
        e.tenant_id = p_tenant
        and e.webhook_id = p_webhook
        and e.state = s.state
        and (p_before is null or e.seq < p_before)
      order by e.seq desc
      limit p_limit
    ) as d
  where p_state is null or s.state = p_state
  order by d.seq desc
  limit p_limit;
$$;
