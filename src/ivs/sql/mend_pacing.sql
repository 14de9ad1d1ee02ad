-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Mends the rates of all accounts after the clock of the database was set back. What was left at a time that is still
-- to come is left now.
create function mend_pacing()
returns void
language sql
as $$
  update public.pacing set at = clock_timestamp() where at > clock_timestamp();
$$;
