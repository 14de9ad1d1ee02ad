-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the grants of several vends in one statement, as record_stage_grant and record_chat_grant do for one.
-- p_vends: [{ "space_id", "user_id", "ivs_user", "role", "participant", "stage_grant", "chat_grant" }]. A null grant id
-- stands for a token that is not given. p_roles has the rows of the roles.
create function record_grants(
  p_tenant text,
  p_vends jsonb,
  p_roles public.roles[],
  p_key public.signing_keys,
  p_issued_at timestamptz,
  p_limits jsonb
)
returns void
language plpgsql
set plan_cache_mode = force_generic_plan
as $$
declare
  v_is_signed boolean := p_key.state is not distinct from 'active';
  v_connect_until timestamptz := p_issued_at + limit_time(p_limits, 'chatConnectSeconds');
begin
  insert into public.grants (
    tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at, session_expires_at,
    state, mint, participant_id, signing_key_id
  )
  select
    p_tenant, half.id, v.space_id, v.user_id, v.ivs_user, half.kind, v.role, half.capabilities, p_issued_at,
    half.expires_at, half.session_expires_at, case when half.is_signed then 'released' else 'pending' end,
    case when half.is_signed then 'key-pair' end, case when half.is_signed then v.participant end,
    case when half.is_signed then p_key.id end
  from
    jsonb_to_recordset(p_vends) as v (
      space_id text,
      user_id text,
      ivs_user text,
      role text,
      participant text,
      stage_grant text,
      chat_grant text
    )
    join unnest(p_roles) as r on r.name = v.role
    cross join lateral (
      values
        (
          v.stage_grant, 'stage', v_is_signed, r.stage_capabilities,
          p_issued_at + make_interval(secs => r.stage_ttl_seconds),
          p_issued_at + make_interval(secs => r.stage_ttl_seconds)
        ),
        (
          v.chat_grant, 'chat', false, r.chat_capabilities, v_connect_until,
          p_issued_at + make_interval(mins => r.chat_session_minutes)
        )
    ) as half (id, kind, is_signed, capabilities, expires_at, session_expires_at)
  where half.id is not null;
end;
$$;
