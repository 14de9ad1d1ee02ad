-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes that a participant was in a session, and writes the events of what is new. The transaction holds the lock of
-- the stage. p_fact: { "participantId", "userId", "from", "at", "certainty", "published"?, "backFrom"?, "goneAt"? }.
-- They were there from from to at. published: true if they publish then, or have published. backFrom: if they had left
-- before that, they have come again. goneAt: they had left by then.
-- Facts can come in any order and more than once: the row is the same in the end.
create function note_participant(p_session public.stage_sessions, p_fact jsonb)
returns public.stage_participants
language plpgsql
as $$
declare
  v_at timestamptz := (p_fact ->> 'at')::timestamptz;
  v_from timestamptz := (p_fact ->> 'from')::timestamptz;
  v_gone_at timestamptz := (p_fact ->> 'goneAt')::timestamptz;
  v_row public.stage_participants;
  v_joined boolean;
begin
  select *
  into v_row
  from public.stage_participants
  where
    (tenant_id, space_id, session_id) = (p_session.tenant_id, p_session.space_id, p_session.session_id)
    and participant_id = p_fact ->> 'participantId';
  v_joined := v_row.participant_id is null or coalesce(v_row.left_at < (p_fact ->> 'backFrom')::timestamptz, false);
  insert into public.stage_participants as p (
    tenant_id,
    space_id,
    session_id,
    participant_id,
    user_id,
    grant_id,
    role,
    joined_at,
    seen_at,
    certainty
  )
  select
    p_session.tenant_id, p_session.space_id, p_session.session_id, p_fact ->> 'participantId',
    coalesce(g.user_id, p_fact ->> 'userId', ''), g.grant_id, g.role, v_from, v_at, p_fact ->> 'certainty'
  from
    (values(1)) as one (row)
    left join grant_of_participant(p_session.tenant_id, p_fact ->> 'participantId') as g on true
  on conflict (tenant_id, space_id, session_id, participant_id) do update
    set
      joined_at = least(p.joined_at, excluded.joined_at),
      seen_at = greatest(p.seen_at, excluded.seen_at),
      certainty = case when excluded.seen_at >= p.seen_at then excluded.certainty else p.certainty end,
      user_id = case when p.user_id = '' then excluded.user_id else p.user_id end,
      left_at = case when v_joined then null else p.left_at end,
      stays = p.stays + v_joined::integer,
      away_ms = p.away_ms + case when v_joined then (extract(epoch from v_at - p.left_at) * 1000)::bigint else 0 end
  returning *
  into v_row;
  if v_joined then
    update public.stage_sessions
    set participants = participants + (v_row.stays = 1)::integer
    where (tenant_id, space_id, session_id) = (p_session.tenant_id, p_session.space_id, p_session.session_id);
    perform participant_event(v_row, 'participant.joined');
  end if;
  if (p_fact ->> 'published')::boolean and not v_row.has_published then
    v_row := note_publishing(v_row, true, v_from);
  end if;
  if v_gone_at is not null and v_row.left_at is null then
    v_row := leave_participant(v_row, v_gone_at);
  end if;
  return v_row;
end;
$$;
