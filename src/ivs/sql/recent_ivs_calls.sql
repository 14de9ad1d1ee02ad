-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Returns what is left now of a number of calls that were recent at a time. It falls to little more than a third in a
-- minute, so at a steady rate it is the number of calls in a minute.
create function recent_ivs_calls(p_recent double precision, p_at timestamptz)
returns double precision
language sql
stable
as $$
  select p_recent * exp(-least(600, greatest(0, extract(epoch from now() - p_at)::double precision)) / 60);
$$;
