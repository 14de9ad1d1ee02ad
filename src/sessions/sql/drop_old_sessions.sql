-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Drops a session that ended longer ago than p_older_than, or than its tenant keeps events: first its participants,
-- p_most at most in one call, then the session. Returns how many rows it has dropped. Calls at the same time take
-- different sessions.
create function drop_old_sessions(p_older_than interval, p_most integer)
returns bigint
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp(); -- read once, so that Postgres can use an index
  v_before timestamptz := v_now - p_older_than;
  v_session public.stage_sessions;
  v_dropped bigint;
begin
  select *
  into v_session
  from public.stage_sessions
  where ended_at < v_before
  order by ended_at
  limit 1
  for update skip locked;
  if not found then
    select o.*
    into v_session
    from
      shorter_retentions('events', p_older_than) as s
      join public.stage_sessions as o on o.tenant_id = s.tenant_id and o.ended_at < v_now - s.kept
    limit 1
    for update of o skip locked;
  end if;
  if v_session.tenant_id is null then
    return 0::bigint;
  end if;
  delete from public.stage_participants
  where
    (tenant_id, space_id, session_id) = (v_session.tenant_id, v_session.space_id, v_session.session_id)
    and participant_id in (
      select participant_id
      from public.stage_participants
      where (tenant_id, space_id, session_id) = (v_session.tenant_id, v_session.space_id, v_session.session_id)
      limit p_most
    );
  get diagnostics v_dropped = row_count;
  if v_dropped < p_most then
    delete from public.stage_sessions
    where (tenant_id, space_id, session_id) = (v_session.tenant_id, v_session.space_id, v_session.session_id);
    v_dropped := v_dropped + 1;
  end if;
  return v_dropped;
end;
$$;
