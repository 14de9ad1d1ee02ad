-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Lets the next delivery of a chain be sent, after one has ended. The caller has locked the endpoint.
create function advance_webhook_chain(p_tenant text, p_webhook text, p_chain text)
returns void
language sql
as $$
  update public.webhook_deliveries as d
  set
    behind = false,
    next_at = clock_timestamp()
  where
    d.tenant_id = p_tenant
    and d.behind
    and d.id = (
      select e.id
      from public.webhook_deliveries as e
      where e.tenant_id = p_tenant and e.webhook_id = p_webhook and e.state = 'pending' and e.chain = p_chain
      order by e.seq
      limit 1
    );
$$;
