-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes allowances that are whole again, sweptAtOnce at most. Returns how many.
create function sweep_allowances(p_limits jsonb)
returns bigint
language plpgsql
as $$
declare
  v_whole tid[] := array(
    select ctid
    from public.allowances
    where whole_at <= now()
    order by whole_at
    limit limit_count(p_limits, 'sweptAtOnce')
  );
  v_swept bigint;
begin
  delete from public.allowances where ctid = any (v_whole) and whole_at <= now();
  get diagnostics v_swept = row_count;
  return v_swept;
end;
$$;
