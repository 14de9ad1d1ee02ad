-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes sessions of the console that have expired, sweptAtOnce at most. Returns how many. One that the person has
-- ended expires, too, because it is not used any more.
create function sweep_console_sessions(p_limits jsonb)
returns bigint
language plpgsql
as $$
declare
  v_expired tid[] := array(
    select ctid
    from public.console_sessions
    where expires_at <= now()
    order by expires_at
    limit limit_count(p_limits, 'sweptAtOnce')
  );
  v_swept bigint;
begin
  delete from public.console_sessions where ctid = any (v_expired);
  get diagnostics v_swept = row_count;
  return v_swept;
end;
$$;
