-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether an act binds a user of the rank p_rank; null: they have none. p_by_rank is the rank of the person who
-- acted. They bind only users of a lower rank. It is null for an API key, which binds everybody.
create function binds(p_by_rank integer, p_rank integer)
returns boolean
language sql
immutable
as $$
  select p_by_rank is null or p_by_rank > coalesce(p_rank, -1);
$$;
