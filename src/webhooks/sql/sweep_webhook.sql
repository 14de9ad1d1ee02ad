-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Deletes deliveries of an endpoint in one state that are not kept, p_most at most; of a deleted endpoint, all of them.
-- Open deliveries are kept. Returns how many it deleted.
create function sweep_webhook(p_webhook public.webhooks, p_state text, p_most integer, p_limits jsonb)
returns integer
language plpgsql
as $$
declare
  v_last_seq bigint; -- the newest delivery of those that are too many
  v_swept integer;
begin
  if p_state = 'pending' and p_webhook.deleted_at is null then
    return 0;
  end if;
  select d.seq
  into v_last_seq
  from public.webhook_deliveries as d
  where d.tenant_id = p_webhook.tenant_id and d.webhook_id = p_webhook.id and d.state = p_state
  order by d.seq desc
  offset limit_count(p_limits, 'keptWebhookDeliveries')
  limit 1;
  delete from public.webhook_deliveries as d
  where
    d.tenant_id = p_webhook.tenant_id
    and d.id in (
      select e.id
      from public.webhook_deliveries as e
      where
        e.tenant_id = p_webhook.tenant_id
        and e.webhook_id = p_webhook.id
        and e.state = p_state
        and (
          p_webhook.deleted_at is not null
          or e.seq <= v_last_seq
          or e.done_at < clock_timestamp() - limit_time(p_limits, 'keptWebhookDeliverySeconds')
        )
      order by e.seq
      limit p_most
    );
  get diagnostics v_swept = row_count;
  return v_swept;
end;
$$;
