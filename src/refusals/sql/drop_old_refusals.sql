-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes counts of hours that ended refusalDays ago, the oldest first, sweptAtOnce at most. Returns how many rows.
create function drop_old_refusals(p_limits jsonb)
returns bigint
language plpgsql
as $$
declare
  v_from timestamptz := now() - make_interval(days => limit_count(p_limits, 'refusalDays'), hours => 1);
  v_old tid[] := array(
    select ctid
    from public.refusals
    where hour < v_from
    order by hour
    limit limit_count(p_limits, 'sweptAtOnce')
  );
  v_dropped bigint;
begin
  delete from public.refusals where ctid = any (v_old) and hour < v_from;
  get diagnostics v_dropped = row_count;
  return v_dropped;
end;
$$;
