-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns what stands in the place of a user id after the user was erased. p_pseudonym is a keyed hash of the user id,
-- whose key is not in the database. So their bans are found when they come back, and nobody reads their id here.
create function erased_name(p_pseudonym text)
returns text
language sql
immutable
as $$
  select 'erased:' || p_pseudonym;
$$;
