-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes calls that do not count any more, sweptAtOnce at most. Returns how many rows.
create function sweep_ivs_calls(p_limits jsonb)
returns bigint
language plpgsql
as $$
declare
  v_old tid[] := array(
    select ctid
    from public.ivs_calls
    where at <= now() - interval '10 minutes'
    order by at
    limit limit_count(p_limits, 'sweptAtOnce')
  );
  v_swept bigint;
begin
  delete from public.ivs_calls where ctid = any (v_old) and at <= now() - interval '10 minutes';
  get diagnostics v_swept = row_count;
  return v_swept;
end;
$$;
