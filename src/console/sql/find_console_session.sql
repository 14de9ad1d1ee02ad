-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Finds the session of the console with this keyed hash, if the session and the credential that it was made with still
-- hold; else null. Returns { "id", "kind", "caller", "startedAt", "tokenHash", "rights", "role", "name" }: "tokenHash"
-- in hexadecimal digits, of an operator's session; "rights" as api_key_rights, of an API key's; "role" as console_role,
-- and "name", of a person's.
-- It moves the end of the session, but at most once in consoleNoteSeconds: a write for every request would cost more
-- than the request.
create function find_console_session(p_tenant text, p_hash bytea, p_limits jsonb)
returns jsonb
language plpgsql
set enable_seqscan = off
as $$
declare
  v_session public.console_sessions;
  v_role text;
begin
  perform set_config('app.tenant_id', p_tenant, true);
  select *
  into v_session
  from public.console_sessions
  where tenant_id = p_tenant and hash = p_hash and ended_at is null and expires_at > now();
  if v_session.kind = 'consoleUser' then
    v_role := console_role(p_tenant, v_session.caller, v_session.issuer_id);
  end if;
  if
    v_session.id is null
    or (v_session.kind = 'consoleUser' and v_role is null)
    or (v_session.kind != 'consoleUser' and not credential_holds(p_tenant, v_session.kind, v_session.caller))
  then
    return null;
  end if;

  update public.console_sessions
  set
    last_used_at = now(),
    expires_at = least(
      created_at + limit_time(p_limits, 'consoleSessionSeconds'), now() + limit_time(p_limits, 'consoleIdleSeconds')
    )
  where
    tenant_id = p_tenant
    and id = v_session.id
    and ended_at is null
    and last_used_at not between now() - limit_time(p_limits, 'consoleNoteSeconds') and now();
  return jsonb_build_object(
    'id', v_session.id, 'kind', v_session.kind, 'caller', v_session.caller, 'startedAt', v_session.created_at,
    'tokenHash', encode(v_session.token_hash, 'hex'), 'rights', api_key_rights(p_tenant, v_session.caller),
    'role', v_role, 'name', v_session.name
  );
end;
$$;
