-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Gives the database a journal, at its beginning. If it has one, that one stays.
create function begin_journal(p_journal text)
returns void
language plpgsql
as $$
begin
  insert into public.journal_state (journal, position)
  values (p_journal::uuid, 0)
  on conflict do nothing;
end;
$$;
