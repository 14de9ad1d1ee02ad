-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether a session of a person of the console has neither ended nor expired, and p_role is still their role.
create function console_user_holds(p_tenant text, p_role text, p_session text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.console_sessions as s
    where
      s.tenant_id = p_tenant
      and s.id = p_session
      and s.kind = 'consoleUser'
      and s.ended_at is null
      and s.expires_at > now()
      and console_role(p_tenant, s.caller, s.issuer_id) = p_role
  );
end;
$$;
