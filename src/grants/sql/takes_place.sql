-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether a grant takes a place in a space with a capacity, until its session ends. A grant that an act is against
-- takes none, and neither does one of the console.
create function takes_place(p_grant public.grants)
returns boolean
language sql
immutable
as $$
  select p_grant.state in ('pending', 'released') and not is_of_console(p_grant.role);
$$;
