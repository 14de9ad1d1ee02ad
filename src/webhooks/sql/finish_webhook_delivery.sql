-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Records the outcome of an attempt, unless another replica has leased the delivery since: then its attempts differ
-- from p_attempt. p_state is delivered, failed, or pending for another attempt after retrySeconds of p_answer. The
-- caller has locked the endpoint. Returns whether it recorded the outcome.
create function finish_webhook_delivery(
  p_webhook public.webhooks,
  p_id text,
  p_attempt integer,
  p_state text,
  p_answer jsonb
)
returns boolean
language plpgsql
as $$
declare
  v_delivery public.webhook_deliveries;
begin
  update public.webhook_deliveries
  set
    state = p_state,
    leased_until = 'epoch',
    status = (p_answer ->> 'status')::integer,
    answer = p_answer ->> 'answer',
    error = p_answer ->> 'error',
    next_at = case
      when p_state = 'pending' then clock_timestamp() + make_interval(
          secs => (p_answer ->> 'retrySeconds')::double precision
        )
      else next_at
    end,
    done_at = case when p_state != 'pending' then clock_timestamp() end
  where
    tenant_id = p_webhook.tenant_id
    and id = p_id
    and webhook_id = p_webhook.id
    and attempts = p_attempt
    and state = 'pending'
  returning *
  into v_delivery;
  if not found then
    return false;
  end if;
  if v_delivery.chain is not null then
    if p_state = 'pending' then
      perform line_up_chain(p_webhook.tenant_id, p_webhook.id, v_delivery.chain);
    else
      perform advance_webhook_chain(p_webhook.tenant_id, p_webhook.id, v_delivery.chain);
    end if;
  end if;
  return true;
end;
$$;
