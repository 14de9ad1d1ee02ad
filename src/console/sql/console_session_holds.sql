-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a session of the console has neither ended nor expired. It says nothing about the credential that the
-- session was made with: credential_holds asks for both.
create function console_session_holds(p_tenant text, p_session text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.console_sessions
    where tenant_id = p_tenant and id = p_session and ended_at is null and expires_at > now()
  );
end;
$$;
