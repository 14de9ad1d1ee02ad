-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Takes a turn of the watchdog if one is due, and says whether it was. Of all replicas one has it. The next is due in
-- p_every, unless end_watchdog_turn says later: a replica that does not end its turn holds up nobody for longer. No
-- turn is due later than in p_longest: then the clock of the database was set back.
create function take_watchdog_turn(p_every interval, p_longest interval)
returns boolean
language plpgsql
as $$
declare
  v_now timestamptz := clock_timestamp();
begin
  -- Without a lock: almost always it is not due.
  if exists (select from public.watchdog where next_at > v_now and next_at <= v_now + p_longest) then
    return false;
  end if;
  insert into public.watchdog as w (one, next_at)
  values (true, v_now + p_every)
  on conflict (one) do update
    set next_at = excluded.next_at
    where not (w.next_at > v_now and w.next_at <= v_now + p_longest);
  return found;
end;
$$;
