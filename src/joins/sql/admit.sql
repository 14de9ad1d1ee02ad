-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Decides on one vend and records its grants, in one round trip.
-- Returns { "refused": code, ... } and records nothing, or what admission_answer returns.
-- p_stage_grant and p_chat_grant are the ids of the grants to record; null for a token that was not requested.
-- p_role_asked is the role that an API key names, p_role_claimed the role that the user's JWT claims. p_participant is
-- the participant id for a token that Stagedoor signs.
-- A refusal has the code of the first check that fails.
create function admit(
  p_tenant text,
  p_caller_kind text,
  p_credential text,
  p_caller jsonb,
  p_space text,
  p_user text,
  p_pseudonym text,
  p_role_asked text,
  p_role_claimed text,
  p_stage_grant text,
  p_chat_grant text,
  p_participant text,
  p_audit_entry text,
  p_audit_action text,
  p_request text,
  p_vends_per_minute integer,
  p_limits jsonb
)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_tenant public.tenants;
  v_space public.spaces;
  v_role_name text;
  v_role public.roles;
  v_refusal jsonb;
  v_stage boolean;
  v_chat boolean;
  v_used integer;
  v_oldest timestamptz;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  if not credential_holds(p_tenant, p_caller_kind, p_credential) then
    return refusal('credential');
  end if;
  v_tenant := find_tenant(p_tenant);
  if v_tenant.status != 'active' then
    return refusal('tenant_suspended');
  end if;

  -- The space is read under its lock. A freezing that held the lock before is seen.
  perform lock_space(p_tenant, p_space, false);
  v_space := find_space(p_tenant, p_space);
  if v_space.id is null then
    return refusal('space_unknown');
  end if;
  if v_space.status != 'open' then
    return refusal('space_closed');
  end if;

  -- The bans are read under the lock of the user. A ban that held the lock before is seen.
  perform lock_user(p_tenant, p_user, false);
  v_refusal := ban_refusal(p_tenant, p_user, p_space);
  if v_refusal is not null then
    return v_refusal;
  end if;

  v_role_name := coalesce(
    p_role_asked, role_name_in_space(p_tenant, p_space, p_user, p_role_claimed, v_space.default_role)
  );
  if v_role_name is null then
    return refusal('role_none');
  end if;
  v_role := find_role(p_tenant, v_role_name);
  if v_role.name is null then
    return refusal('role_unknown');
  end if;
  if v_space.frozen_at is not null and not v_role.moderator then
    return refusal('space_frozen');
  end if;

  v_stage := p_stage_grant is not null and v_space.stage_arn is not null and v_role.stage_ttl_seconds is not null;
  v_chat := p_chat_grant is not null and v_space.room_arn is not null and v_role.chat_session_minutes is not null;
  if not v_stage and not v_chat then
    return refusal_without_tokens(v_space, v_role);
  end if;
  v_refusal := case when v_chat then refusal_while_disconnected(v_tenant, v_space, p_user, p_pseudonym) end;
  if v_refusal is not null then
    return v_refusal;
  end if;
  if is_full(v_space, p_user, p_limits) then
    return refusal('space_full');
  end if;
  select used, oldest
  into v_used, v_oldest
  from vends_in_last_minute(p_tenant, p_user, v_stage, v_chat, p_vends_per_minute);
  if v_used >= p_vends_per_minute then
    return refusal_by_rate(v_oldest);
  end if;

  return record_admission(
    v_tenant, v_space, v_role, p_user, p_pseudonym, case when v_stage then p_stage_grant end,
    case when v_chat then p_chat_grant end, p_participant, p_caller, p_audit_entry, p_audit_action, p_request,
    v_used + 1, p_limits
  );
end;
$$;
