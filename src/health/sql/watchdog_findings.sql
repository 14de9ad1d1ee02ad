-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns what the last turn of the watchdog has found, the checks of it that failed, how long ago the last turn ended
-- in which none failed, how long ago the last pass over all bans ended, and how long that pass took. There is no row
-- before the first turn.
create function watchdog_findings()
returns table (
  findings jsonb,
  failed text[],
  age_seconds double precision,
  pass_age_seconds double precision,
  pass_seconds double precision
)
language sql
stable
as $$
  -- The clock may have been set back.
  select
    w.findings, w.failed, greatest(0, extract(epoch from clock_timestamp() - w.found_at))::double precision,
    greatest(0, extract(epoch from clock_timestamp() - w.passed_at))::double precision, w.pass_seconds
  from public.watchdog as w;
$$;
