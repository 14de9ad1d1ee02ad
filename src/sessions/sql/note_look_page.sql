-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes a page of the participants of a session that IVS has listed, and the look that goes on. p_found: an array of
-- what note_participant takes.
create function note_look_page(
  p_tenant text,
  p_space text,
  p_session text,
  p_started_at timestamptz,
  p_found jsonb,
  p_look jsonb
)
returns void
language plpgsql
as $$
declare
  v_session public.stage_sessions;
begin
  update public.stage_looks
  set look = p_look
  where tenant_id = p_tenant and space_id = p_space;
  v_session := open_stage_session(p_tenant, p_space, p_session, p_started_at);
  perform note_participant(v_session, f.value)
  from jsonb_array_elements(p_found) as f;
end;
$$;
