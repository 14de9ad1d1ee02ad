-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends a session of the console. Returns whether it had not ended before.
create function end_console_session(p_tenant text, p_session text)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  update public.console_sessions
  set ended_at = now()
  where tenant_id = p_tenant and id = p_session and ended_at is null;
  return found;
end;
$$;
