-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Records the outcomes of attempts, as finish_webhook_delivery does. p_outcomes is an array of them. Returns the
-- endpoints that are to be disabled, each with the reason.
create function finish_webhook_deliveries(p_outcomes jsonb, p_limits jsonb)
returns table (tenant_id text, webhook_id text, because text)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_outcome record;
  v_webhook public.webhooks;
begin
  for v_outcome in
    select *
    from
      jsonb_to_recordset(p_outcomes) as o (
        tenant text,
        webhook text,
        id text,
        attempt integer,
        state text,
        status integer,
        answer text,
        error text,
        "retrySeconds" double precision,
        "pauseSeconds" double precision
      )
    order by o.tenant, o.webhook, o.id -- the same order in every call, so that calls do not deadlock
  loop
    select w.*
    into v_webhook
    from public.webhooks as w
    where w.tenant_id = v_outcome.tenant and w.id = v_outcome.webhook and w.deleted_at is null
    for no key update;
    continue when not found;
    continue when
      not finish_webhook_delivery(
        v_webhook, v_outcome.id, v_outcome.attempt, v_outcome.state,
        jsonb_build_object(
          'status', v_outcome.status, 'answer', v_outcome.answer, 'error', v_outcome.error,
          'retrySeconds', v_outcome."retrySeconds"
        )
      );
    because := note_webhook_attempt(v_webhook, v_outcome.state, v_outcome.status, v_outcome."pauseSeconds", p_limits);
    tenant_id := v_outcome.tenant;
    webhook_id := v_outcome.webhook;
    if because is not null and v_webhook.disabled_at is null then
      return next;
    end if;
  end loop;
end;
$$;
