-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes which sessions of a stage IVS lists: [{ "sessionId", "startedAt", "endedAt"? }], and returns the ids of those
-- that have ended without being noted, in their order. p_active is the session that goes on; null: none. A session that
-- nobody has noted counts if it ended after the stage was first tracked.
create function begin_stage_look(p_tenant text, p_space text, p_active text, p_listed jsonb)
returns text[]
language plpgsql
as $$
declare
  v_since timestamptz;
begin
  select created_at
  into v_since
  from public.stage_looks
  where tenant_id = p_tenant and space_id = p_space
  for no key update;
  perform open_stage_session(p_tenant, p_space, l.session_id, l.started_at)
  from (
    select value ->> 'sessionId' as session_id, (value ->> 'startedAt')::timestamptz as started_at
    from jsonb_array_elements(p_listed)
    where (value ->> 'endedAt')::timestamptz > v_since and value ->> 'sessionId' is distinct from p_active
    order by 2, 1
  ) as l;
  return array(
    select session_id
    from public.stage_sessions
    where tenant_id = p_tenant and space_id = p_space and ended_at is null and session_id is distinct from p_active
    order by started_at, seq
  );
end;
$$;
