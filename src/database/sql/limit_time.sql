-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Reads a length of time, given in seconds, from the limits that TypeScript passes (src/limits.ts).
-- Raises an error if the limit is missing: a null limit would silently switch a check off.
create function limit_time(p_limits jsonb, p_name text)
returns interval
language plpgsql
immutable
as $$
begin
  if p_limits ->> p_name is null then
    raise exception 'the limit % was not passed', p_name;
  end if;
  return make_interval(secs => (p_limits ->> p_name)::double precision);
end;
$$;
