-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the result of a call, unless another replica has leased the delivery since: then its attempts differ from
-- p_attempt. p_retry_seconds is the time until the next call; null settles the delivery. p_lands_seconds is the time
-- for which IVS may still carry out the call, because its answer did not come; 0 if it came.
-- Returns what silence_action returns if the delivery is settled and no follow-up; else null.
create function finish_delivery(
  p_tenant text,
  p_id bigint,
  p_attempt integer,
  p_state text,
  p_error text,
  p_retry_seconds double precision,
  p_lands_seconds double precision,
  p_limits jsonb
)
returns jsonb
language plpgsql
as $$
declare
  v_delivery public.deliveries;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  update public.deliveries
  set
    state = p_state,
    last_error = p_error,
    leased_until = 'epoch',
    lands_until = case
      when p_lands_seconds > 0 then greatest(lands_until, clock_timestamp() + make_interval(secs => p_lands_seconds))
      else lands_until
    end,
    next_at = case
      when p_retry_seconds is null then next_at
      else clock_timestamp() + make_interval(secs => p_retry_seconds)
    end,
    done_at = case when p_retry_seconds is null then clock_timestamp() end
  where tenant_id = p_tenant and id = p_id and attempts = p_attempt and state in ('pending', 'stuck')
  returning *
  into v_delivery;
  if not found then
    return null;
  end if;
  if p_state = 'stuck' then
    perform
      note_stuck_action(p_tenant, v_delivery.action_id, v_delivery.operation, v_delivery.target, v_delivery.last_error);
  end if;
  if p_retry_seconds is not null then
    return null;
  end if;

  if p_state = 'done' and v_delivery.operation = 'DisconnectParticipant' then
    -- IVS does not let a disconnected participant in again if IVS made their token. Whether it does if Stagedoor signed
    -- the token is not known.
    perform mark_grants_revoked(p_tenant, array[v_delivery.grant_id], 'ivs');
  elsif p_state in ('done', 'not_connected') and v_delivery.operation = 'DisconnectUser' then
    perform
      end_chat_holds(
        p_tenant, v_delivery.action_id, v_delivery.space_id, v_delivery.parameters ->> 'userId', v_delivery.target,
        p_limits
      );
  end if;
  if v_delivery.follow_up then
    return null;
  end if;
  return silence_action(p_tenant, v_delivery.action_id);
end;
$$;
