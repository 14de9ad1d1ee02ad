-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes that a session of a stage goes on, or went on, at a time. The first call for a session writes session.started.
-- The transaction holds the lock of the stage.
create function open_stage_session(p_tenant text, p_space text, p_session text, p_at timestamptz)
returns public.stage_sessions
language plpgsql
as $$
declare
  v_session public.stage_sessions;
begin
  update public.stage_sessions
  set started_at = least(started_at, p_at)
  where tenant_id = p_tenant and space_id = p_space and session_id = p_session
  returning *
  into v_session;
  if not found then
    insert into public.stage_sessions (tenant_id, space_id, session_id, started_at)
    values (p_tenant, p_space, p_session, p_at)
    returning *
    into v_session;
    perform session_event(v_session, 'session.started');
  end if;
  return v_session;
end;
$$;
