-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Writes a time as the data of events have it: ISO 8601 in UTC with milliseconds.
create function event_time(p_time timestamptz)
returns text
language sql
immutable
as $$
  select to_char(p_time at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
$$;
