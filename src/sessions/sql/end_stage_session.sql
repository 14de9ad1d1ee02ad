-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes that a session has ended. Everybody who was there has left by then; p_most at most in one call. Returns whether
-- that is all: then the session has its end, and the event session.ended is written once.
create function end_stage_session(
  p_tenant text,
  p_space text,
  p_session text,
  p_started_at timestamptz,
  p_ended_at timestamptz,
  p_most integer
)
returns boolean
language plpgsql
as $$
declare
  v_session public.stage_sessions;
begin
  if leave_participants(p_tenant, p_space, p_session, 'infinity', p_ended_at, null, p_most) = p_most then
    return false;
  end if;
  update public.stage_sessions
  set
    started_at = least(started_at, p_started_at),
    ended_at = greatest(p_ended_at, started_at)
  where (tenant_id, space_id, session_id) = (p_tenant, p_space, p_session) and ended_at is null
  returning *
  into v_session;
  if found then
    perform session_event(v_session, 'session.ended');
  end if;
  return true;
end;
$$;
