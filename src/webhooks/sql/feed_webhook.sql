-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Makes at most p_room deliveries of one endpoint, which the caller has locked, and moves its place in the log: that of
-- its replay for the reason 'replay'. It looks at p_scan events at most. Returns how many deliveries it made, and
-- whether there may be more to make.
create function feed_webhook(p_webhook public.webhooks, p_reason text, p_room integer, p_ids text[], p_scan integer)
returns table (made integer, has_more boolean)
language plpgsql
as $$
declare
  v_is_replay boolean := p_reason = 'replay';
  v_from bigint := case when v_is_replay then p_webhook.replay_position else p_webhook.position end;
  v_skipped bigint; -- events that were dropped for their age before it was their turn
  v_until bigint := case when v_is_replay then p_webhook.replay_until end;
  v_types text[] := case
    when v_is_replay
      and p_webhook.replay_types != '{}' then p_webhook.replay_types
    else p_webhook.types
  end;
begin
  select greatest(0, l.first_position - 1 - v_from), coalesce(v_until, l.last_position)
  into v_skipped, v_until
  from event_log_bounds(p_webhook.tenant_id) as l;
  with
    scanned as materialized (
      select
        e.*, w.is_wanted, count(*) filter (where w.is_wanted) over (order by e.place) as nth
      from
        events_after(p_webhook.tenant_id, v_from + v_skipped, p_scan) as e
        cross join lateral wants_event(
          v_types, e.type, e.at, case when v_is_replay then p_webhook.replay_since end
        ) as w (is_wanted)
      where e.place <= v_until
    ),
    taken as (select * from scanned where nth <= p_room),
    added as (
      insert into public.webhook_deliveries (
        tenant_id, id, webhook_id, reason, position, event, type, space_id, user_id, at, data, chain
      )
      select
        p_webhook.tenant_id, p_ids[t.nth::integer], p_webhook.id, p_reason, t.place, t.id, t.type, t.space_id,
        t.user_id, t.at, t.data, case when p_webhook.ordered = 'space' then coalesce(t.space_id, '') end
      from taken as t
      where t.is_wanted
      order by t.place
      returning 1
    )
  select coalesce(max(t.place), v_from + v_skipped), (select count(*)::integer from added)
  into v_from, made
  from taken as t;
  if p_webhook.ordered = 'space' and made > 0 then
    perform line_up_webhook(p_webhook.tenant_id, p_webhook.id);
  end if;
  update public.webhooks
  set
    position = case when v_is_replay then position else v_from end,
    replay_position = case when not v_is_replay then replay_position when v_from < v_until then v_from end,
    skipped_events = skipped_events + case when v_is_replay then 0 else v_skipped end
  where tenant_id = p_webhook.tenant_id and id = p_webhook.id;
  has_more := v_from < v_until;
  return next;
end;
$$;
