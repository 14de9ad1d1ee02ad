-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes what is not kept, of the p_number endpoints after this one: deliveries that ended longer ago than p_limits
-- says, those beyond the number that an endpoint keeps, and deleted endpoints with all that is left of them. It deletes
-- about sweptAtOnce rows at most. Returns the last endpoint that it has done with, and whether it was the last of all.
create function sweep_webhooks(p_after_tenant text, p_after_webhook text, p_number integer, p_limits jsonb)
returns table (tenant_id text, webhook_id text, is_last boolean)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_most integer := limit_count(p_limits, 'sweptAtOnce');
  v_webhook public.webhooks;
  v_seen integer := 0;
  v_left integer := v_most;
  v_state text;
begin
  tenant_id := p_after_tenant;
  webhook_id := p_after_webhook;
  for v_webhook in
    select w.*
    from public.webhooks as w
    where (w.tenant_id, w.id) > (p_after_tenant, p_after_webhook)
    order by w.tenant_id, w.id
    limit p_number
  loop
    foreach v_state in array array['delivered', 'failed', 'pending'] loop
      v_left := v_left - sweep_webhook(v_webhook, v_state, v_left, p_limits);
    end loop;
    exit when v_left = 0;
    if v_webhook.deleted_at is not null then
      delete from public.webhooks as w where w.tenant_id = v_webhook.tenant_id and w.id = v_webhook.id;
    end if;
    tenant_id := v_webhook.tenant_id;
    webhook_id := v_webhook.id;
    v_seen := v_seen + 1;
  end loop;
  is_last := v_left > 0 and v_seen < p_number;
  return next;
end;
$$;
