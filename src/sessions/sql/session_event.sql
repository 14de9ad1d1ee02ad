-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Writes an event about a session of a stage, as it is now.
create function session_event(p_session public.stage_sessions, p_type text)
returns void
language plpgsql
as $$
begin
  perform
    write_events(
      p_session.tenant_id,
      jsonb_build_array(
        jsonb_build_object(
          'type', p_type, 'spaceId', p_session.space_id,
          'data', jsonb_build_object(
            'sessionId', p_session.session_id, 'startedAt', event_time(p_session.started_at),
            'endedAt', event_time(p_session.ended_at), 'participants', p_session.participants
          )
        )
      )
    );
end;
$$;
