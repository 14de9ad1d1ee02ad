-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the grant of a stage token before the token exists. If the active key signs the token, all of it is known
-- already, and the grant is released at once. Else the grant is pending until settle records what IVS made.
create function record_stage_grant(
  p_tenant text,
  p_id text,
  p_space text,
  p_user text,
  p_ivs_user text,
  p_role public.roles,
  p_key public.signing_keys,
  p_participant text,
  p_issued_at timestamptz
)
returns void
language plpgsql
as $$
declare
  v_is_signed boolean := p_key.state is not distinct from 'active';
  v_expires_at timestamptz := p_issued_at + make_interval(secs => p_role.stage_ttl_seconds);
begin
  insert into public.grants (
    tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at, session_expires_at,
    state, mint, participant_id, signing_key_id
  )
  values (
    p_tenant, p_id, p_space, p_user, p_ivs_user, 'stage', p_role.name, p_role.stage_capabilities, p_issued_at,
    v_expires_at, v_expires_at, case when v_is_signed then 'released' else 'pending' end,
    case when v_is_signed then 'key-pair' end, case when v_is_signed then p_participant end,
    case when v_is_signed then p_key.id end
  );
end;
$$;
