-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Lets only the first open delivery of a chain be sent, after an earlier one was opened again. A delivery that a
-- replica is sending now ends first. The caller has locked the endpoint.
create function line_up_chain(p_tenant text, p_webhook text, p_chain text)
returns void
language plpgsql
as $$
declare
  v_first text;
begin
  select d.id
  into v_first
  from public.webhook_deliveries as d
  where d.tenant_id = p_tenant and d.webhook_id = p_webhook and d.state = 'pending' and d.chain = p_chain
  order by d.seq
  limit 1;
  update public.webhook_deliveries as d
  set behind = true
  where
    d.tenant_id = p_tenant
    and d.webhook_id = p_webhook
    and d.state = 'pending'
    and d.chain = p_chain
    and not d.behind
    and d.id != v_first
    and d.leased_until < clock_timestamp();
  update public.webhook_deliveries as d
  set behind = false
  where
    d.tenant_id = p_tenant
    and d.id = v_first
    and d.behind
    and not exists (
      select
      from public.webhook_deliveries as e
      where
        e.tenant_id = p_tenant
        and e.webhook_id = p_webhook
        and e.state = 'pending'
        and e.chain = p_chain
        and not e.behind
    );
end;
$$;
