-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes on an endpoint, which the caller has locked, whether an attempt succeeded. After a row of failures the first
-- success makes the open deliveries due at once: the receiver is back. Returns why the endpoint is to be disabled:
-- 'gone' (the receiver answered 410), 'failing' (all attempts have failed for long); null: it is not.
create function note_webhook_attempt(
  p_webhook public.webhooks,
  p_state text,
  p_status integer,
  p_pause_seconds double precision,
  p_limits jsonb
)
returns text
language plpgsql
as $$
declare
  v_failing_since timestamptz;
begin
  if p_state = 'delivered' then
    if p_webhook.failures = 0 then
      return null;
    end if;
    update public.webhooks
    set
      failures = 0,
      failing_since = null
    where tenant_id = p_webhook.tenant_id and id = p_webhook.id;
    if p_webhook.failures >= limit_count(p_limits, 'steadyFailures') then
      update public.webhook_deliveries
      set next_at = clock_timestamp()
      where
        tenant_id = p_webhook.tenant_id
        and webhook_id = p_webhook.id
        and state = 'pending'
        and next_at > clock_timestamp();
    end if;
    return null;
  end if;
  update public.webhooks
  set
    failures = failures + 1,
    failing_since = coalesce(failing_since, clock_timestamp()),
    paused_until = case
      when p_pause_seconds is null then paused_until
      else greatest(paused_until, clock_timestamp() + make_interval(secs => p_pause_seconds))
    end
  where tenant_id = p_webhook.tenant_id and id = p_webhook.id
  returning failing_since
  into v_failing_since;
  return case
    when p_status = 410 then 'gone'
    when v_failing_since < clock_timestamp() - limit_time(p_limits, 'failingWebhookSeconds') then 'failing'
  end;
end;
$$;
