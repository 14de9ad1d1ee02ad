-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Notes that a participant began to publish at a time, or stopped, and writes the event if that is news. A later one of
-- the two counts, in whatever order they come. IVS gives whole seconds: in the same second the stop counts. If only a
-- stop was reported, both events are written.
create function note_publishing(p_participant public.stage_participants, p_publishes boolean, p_at timestamptz)
returns public.stage_participants
language plpgsql
as $$
declare
  v_row public.stage_participants := p_participant;
  v_was boolean := v_row.publishing;
begin
  if p_publishes then
    v_row.published_at := greatest(v_row.published_at, p_at);
  else
    v_row.unpublished_at := greatest(v_row.unpublished_at, p_at);
  end if;
  v_row.publishing := v_row.left_at is null and coalesce(v_row.published_at > v_row.unpublished_at, p_publishes);
  if v_row.left_at is null and not v_row.has_published and not v_row.publishing then
    v_row.publishing := true;
    perform participant_event(v_row, 'participant.published');
    v_row.publishing := false;
    v_was := true;
  end if;
  v_row.has_published := true;
  if v_row.publishing is distinct from v_was and v_row.left_at is null then
    perform
      participant_event(
        v_row, case when v_row.publishing then 'participant.published' else 'participant.unpublished' end
      );
  end if;
  update public.stage_participants
  set
    published_at = v_row.published_at,
    unpublished_at = v_row.unpublished_at,
    publishing = v_row.publishing,
    has_published = true
  where
    (tenant_id, space_id, session_id) = (v_row.tenant_id, v_row.space_id, v_row.session_id)
    and participant_id = v_row.participant_id;
  return v_row;
end;
$$;
