-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends the sessions of people of the console that were made with the identity provider p_issuer: those of the person
-- p_user, or of everybody if it is null.
create function end_sessions_of_person(p_tenant text, p_issuer text, p_user text)
returns void
language plpgsql
set enable_seqscan = off
as $$
begin
  update public.console_sessions
  set ended_at = now()
  where
    tenant_id = p_tenant
    and kind = 'consoleUser'
    and issuer_id = p_issuer
    and (p_user is null or caller = p_user)
    and ended_at is null;
end;
$$;
