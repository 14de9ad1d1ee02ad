-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the latest time at which a call for a ban may begin, so that IVS has carried it out when the ban ends at
-- p_until. Else a slow call would disconnect a user who is there again. A short ban has its first half for calls.
-- Returns null for a ban without an end.
create function last_call_of_ban(p_until timestamptz, p_limits jsonb)
returns timestamptz
language sql
volatile
as $$
  select
    greatest(p_until - limit_time(p_limits, 'callLandsSeconds'), clock_timestamp() + (p_until - clock_timestamp()) / 2);
$$;
