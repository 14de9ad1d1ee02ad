-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Makes deliveries of new events, and of replays, for the enabled endpoints of a tenant; null p_tenant: of all tenants.
-- It moves the place of each endpoint in the log in the same transaction, so no event is lost or made twice. It skips
-- an endpoint that another transaction has locked. p_ids: ids for the deliveries; it makes no more than that. p_limits
-- are those of src/limits.ts. Returns whether there may be more to
-- make.
create function feed_webhooks(p_tenant text, p_ids text[], p_limits jsonb)
returns boolean
language plpgsql
as $$
declare
  v_webhook public.webhooks;
  v_reason text;
  v_room integer;
  v_fed record;
  v_has_more boolean := false;
  v_made integer := 0;
  v_open integer := limit_count(p_limits, 'openWebhookDeliveries');
begin
  for v_webhook in
    select w.*
    from
      public.webhooks as w
      cross join lateral event_log_bounds(w.tenant_id) as l
    where
      (p_tenant is null or w.tenant_id = p_tenant)
      and w.disabled_at is null
      and w.deleted_at is null
      and (w.replay_position is not null or w.position < l.last_position)
    order by random() -- so that nobody is always last
    for update of w skip locked
  loop
    foreach v_reason in array array['event', 'replay'] loop
      v_room := least(
        limit_count(p_limits, 'webhookEventsAtOnce'), cardinality(p_ids) - v_made,
        v_open - open_webhook_deliveries(v_webhook.tenant_id, v_webhook.id, v_open)
      );
      continue when v_room <= 0 or (v_reason = 'replay' and v_webhook.replay_position is null);
      select *
      into v_fed
      from feed_webhook(v_webhook, v_reason, v_room, p_ids[v_made + 1:], limit_count(p_limits, 'eventsScannedAtOnce'));
      v_made := v_made + v_fed.made;
      v_has_more := v_has_more or v_fed.has_more;
    end loop;
    exit when cardinality(p_ids) <= v_made;
  end loop;
  return v_has_more;
end;
$$;
