-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes what an event of IVS says of a stage, and makes a look at the stage due. Returns 'applied', 'known' if it says
-- nothing new, or 'unknown' if no space has the stage, or the name is not of a participant who publishes or stops.
-- p_at is the time of the event. It may come late, in any order, and more than once. One that is older than
-- p_older_than is not noted: its session may have been dropped.
create function report_stage_event(
  p_stage_arn text,
  p_name text,
  p_session text,
  p_participant text,
  p_user text,
  p_at timestamptz,
  p_older_than interval,
  p_limits jsonb
)
returns text
language plpgsql
as $$
declare
  v_tenant text := holder_of_reservation('stage', p_stage_arn);
  v_space text := space_of_stage(v_tenant, p_stage_arn);
  v_at timestamptz := least(p_at, clock_timestamp()); -- the clock of IVS may be fast
  v_look public.stage_looks;
  v_session public.stage_sessions;
  v_before public.stage_participants;
  v_after public.stage_participants;
  v_publishes boolean := p_name = 'Participant Published';
  v_margin interval := limit_time(p_limits, 'presenceMarginSeconds');
  v_gone_at timestamptz;
begin
  if v_space is null then
    return 'unknown';
  end if;
  v_look := track_stage(v_tenant, v_space, 'epoch', p_limits);
  if p_name not in ('Participant Published', 'Participant Unpublished') or '' in (p_session, p_participant) then
    return 'unknown';
  end if;
  if v_at < clock_timestamp() - p_older_than then
    return 'known';
  end if;
  v_session := open_stage_session(v_tenant, v_space, p_session, v_at);
  select *
  into v_before
  from public.stage_participants
  where (tenant_id, space_id, session_id, participant_id) = (v_tenant, v_space, p_session, p_participant);
  v_gone_at := gone_by(v_look, v_session, greatest(v_at, v_before.seen_at) + v_margin);
  v_after := note_participant(
    v_session,
    jsonb_build_object(
      'participantId', p_participant, 'userId', p_user, 'from', v_at, 'at', v_at, 'certainty', 'reported',
      'backFrom', case when v_publishes and v_gone_at is null then v_at - v_margin end, 'goneAt', v_gone_at
    )
  );
  v_after := note_publishing(v_after, v_publishes, v_at);
  return case when v_after is distinct from v_before then 'applied' else 'known' end;
end;
$$;
