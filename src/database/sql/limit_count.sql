-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Reads a count from the limits that TypeScript passes (src/limits.ts).
-- Raises an error if the limit is missing: a null limit would silently switch a check off.
create function limit_count(p_limits jsonb, p_name text)
returns integer
language plpgsql
immutable
as $$
begin
  if p_limits ->> p_name is null then
    raise exception 'the limit % was not passed', p_name;
  end if;
  return (p_limits ->> p_name)::integer;
end;
$$;
