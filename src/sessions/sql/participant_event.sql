-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Writes an event about a participant, as they are now.
create function participant_event(p_participant public.stage_participants, p_type text)
returns void
language plpgsql
as $$
begin
  perform
    write_events(
      p_participant.tenant_id,
      jsonb_build_array(
        jsonb_build_object(
          'type', p_type, 'spaceId', p_participant.space_id, 'userId', nullif(p_participant.user_id, ''),
          'data', jsonb_build_object(
            'sessionId', p_participant.session_id, 'participantId', p_participant.participant_id,
            'role', p_participant.role, 'grantId', p_participant.grant_id,
            'joinedAt', event_time(p_participant.joined_at), 'leftAt', event_time(p_participant.left_at),
            'publishing', p_participant.publishing, 'stays', p_participant.stays,
            'seenAt', event_time(p_participant.seen_at), 'certainty', p_participant.certainty
          )
        )
      )
    );
end;
$$;
