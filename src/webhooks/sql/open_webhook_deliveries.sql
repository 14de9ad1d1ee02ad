-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Counts the open deliveries of an endpoint, to p_most at most.
create function open_webhook_deliveries(p_tenant text, p_webhook text, p_most integer)
returns integer
language sql
stable
as $$
  select count(*)::integer
  from (
    select
    from public.webhook_deliveries as d
    where d.tenant_id = p_tenant and d.webhook_id = p_webhook and d.state = 'pending'
    limit p_most
  ) as open;
$$;
