-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns a count from the limits that TypeScript passes (src/limits.ts).
-- Raises an error if the limit is missing, because a null limit would make a check pass.
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
