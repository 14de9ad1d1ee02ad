-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes that a participant has left by a time, and writes the events.
create function leave_participant(p_participant public.stage_participants, p_left_at timestamptz)
returns public.stage_participants
language plpgsql
as $$
declare
  v_row public.stage_participants;
begin
  update public.stage_participants
  set
    left_at = greatest(p_left_at, joined_at),
    publishing = false
  where
    (tenant_id, space_id, session_id) = (p_participant.tenant_id, p_participant.space_id, p_participant.session_id)
    and participant_id = p_participant.participant_id
  returning *
  into v_row;
  if p_participant.publishing then
    perform participant_event(v_row, 'participant.unpublished');
  end if;
  perform participant_event(v_row, 'participant.left');
  return v_row;
end;
$$;
