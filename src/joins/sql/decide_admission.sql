-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes all checks of a vend, in their order. Returns { "refused": code, ... } of the first one that fails, as admit
-- returns it, or { "stage", "chat", "used", "seconds" }: which tokens are given, and how many vends the user had in the
-- last minute. The caller has read the rows, and the user's own role as admission_refusal has it. p_stage and p_chat
-- say what is asked for.
-- p_is_dry: nothing is done and nothing waits. The answer is what a vend gets now, after what it does first: it ends
-- the bans that do not bind the user, and kicks that IVS refuses, and waits for calls that may be over soon. seconds is
-- the time for which it waits; null: it does not. p_staying and p_repeats are as in admit.
create function decide_admission(
  p_tenant public.tenants,
  p_space public.spaces,
  p_role public.roles,
  p_user text,
  p_pseudonym text,
  p_own_role text,
  p_caller_kind text,
  p_credential text,
  p_stage boolean,
  p_chat boolean,
  p_vends_per_minute integer,
  p_is_dry boolean,
  p_limits jsonb,
  p_staying text,
  p_repeats text[]
)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_rank integer := case when p_own_role is not null then p_role.rank end;
  v_stage boolean := p_stage and p_space.stage_arn is not null and p_role.stage_ttl_seconds is not null;
  v_chat boolean := p_chat and p_space.room_arn is not null and p_role.chat_session_minutes is not null;
  v_refusal jsonb;
  v_seconds double precision;
  v_used integer;
  v_oldest timestamptz;
begin
  v_refusal := admission_refusal(
    p_tenant, p_space, p_role, p_user, p_own_role, v_rank, p_caller_kind, p_credential, p_pseudonym
  );
  if v_refusal is not null then
    return v_refusal;
  end if;
  if not v_stage and not v_chat then
    return refusal_without_tokens(p_space, p_role);
  end if;
  v_refusal := coalesce(
    case when not p_is_dry then refusal_by_rank(p_tenant.id, p_user, p_space.id, v_rank) end,
    case when v_chat then refusal_while_disconnected(p_tenant, p_space, p_user, p_pseudonym, v_rank, p_is_dry) end
  );
  v_seconds := (v_refusal -> 'seconds')::double precision;
  if
    v_refusal is not null
    and not (p_is_dry and coalesce(v_seconds <= limit_count(p_limits, 'disconnectWaitSeconds'), false))
  then
    return v_refusal;
  end if;
  if not is_of_console(p_role.name) and is_full(p_space, p_user, p_limits, p_is_dry) then
    return refusal('space_full');
  end if;
  select used, oldest
  into v_used, v_oldest
  from vends_in_last_minute(p_tenant.id, p_user, v_stage, v_chat, p_vends_per_minute, p_is_dry);
  if v_used >= p_vends_per_minute then
    return refusal_by_rate(v_oldest);
  end if;
  if p_tenant.one_live_token != 'off' and not is_of_console(p_role.name) then
    v_refusal := refusal_by_live_token(
      p_tenant, p_space, p_user, p_pseudonym, v_stage, v_chat, p_staying, p_repeats, p_is_dry, p_limits
    );
    if v_refusal is not null then
      return v_refusal;
    end if;
  end if;
  return jsonb_build_object('stage', v_stage, 'chat', v_chat, 'used', v_used, 'seconds', v_seconds);
end;
$$;
