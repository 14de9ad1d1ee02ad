-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Takes the journal from the database, and forgets what is not stored in it.
create function end_journal()
returns void
language plpgsql
as $$
begin
  delete from public.journal_entries;
  delete from public.journal_state;
end;
$$;
