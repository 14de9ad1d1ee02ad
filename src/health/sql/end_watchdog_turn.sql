-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Keeps what a turn of the watchdog has found, by gauge, for the other replicas, and the checks that failed. What a
-- check that failed would have found stays as it was, and the findings become older: found_at is the end of the last
-- turn in which no check failed. No turn begins in p_wait.
create function end_watchdog_turn(p_findings jsonb, p_failed text[], p_wait interval)
returns void
language sql
as $$
  insert into public.watchdog as w (one, findings, failed, next_at)
  values (true, p_findings, p_failed, clock_timestamp() + p_wait)
  on conflict (one) do update
    set
      findings = w.findings || excluded.findings,
      failed = excluded.failed,
      found_at = case when cardinality(excluded.failed) = 0 then clock_timestamp() else w.found_at end,
      next_at = greatest(w.next_at, excluded.next_at);
$$;
