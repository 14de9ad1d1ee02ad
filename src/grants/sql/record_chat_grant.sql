-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Records the grant of a chat token before IVS is asked for the token. The answer of IVS has the exact times, and
-- settle records them. Until then the limit chatConnectSeconds is the time for which the token can connect.
create function record_chat_grant(
  p_tenant text,
  p_id text,
  p_space text,
  p_user text,
  p_ivs_user text,
  p_role public.roles,
  p_issued_at timestamptz,
  p_limits jsonb
)
returns void
language plpgsql
as $$
begin
  insert into public.grants (
    tenant_id, id, space_id, user_id, ivs_user_id, kind, role, capabilities, issued_at, expires_at, session_expires_at,
    state
  )
  values (
    p_tenant, p_id, p_space, p_user, p_ivs_user, 'chat', p_role.name, p_role.chat_capabilities, p_issued_at,
    p_issued_at + limit_time(p_limits, 'chatConnectSeconds'),
    p_issued_at + make_interval(mins => p_role.chat_session_minutes), 'pending'
  );
end;
$$;
