-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Puts the open deliveries of an endpoint behind the earlier open ones of their chain. The caller has locked the
-- endpoint.
create function line_up_webhook(p_tenant text, p_webhook text)
returns void
language sql
as $$
  update public.webhook_deliveries as d
  set behind = true
  where
    d.tenant_id = p_tenant
    and d.webhook_id = p_webhook
    and d.state = 'pending'
    and not d.behind
    and d.chain is not null
    and exists (
      select
      from public.webhook_deliveries as e
      where
        e.tenant_id = p_tenant
        and e.webhook_id = p_webhook
        and e.state = 'pending'
        and e.chain = d.chain
        and e.seq < d.seq
    );
$$;
