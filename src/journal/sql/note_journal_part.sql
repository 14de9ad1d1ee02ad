-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes that a part of the journal is stored, and forgets its entries. Returns false, and changes nothing, if the
-- database does not know all entries of the part: then the journal has gone on without this database. A part that is
-- noted already is noted once.
-- p_is_replayed: the entries that the database did not know have just been replayed, in this transaction.
create function note_journal_part(p_journal text, p_position bigint, p_entries text[], p_is_replayed boolean)
returns boolean
language plpgsql
as $$
declare
  v_state public.journal_state;
  v_known text[];
begin
  select * into v_state from public.journal_state for update;
  if v_state.journal is distinct from p_journal::uuid or v_state.position < p_position - 1 then
    return false;
  end if;
  if v_state.position >= p_position then
    return true;
  end if;
  v_known := array(select id from public.journal_entries where id = any (p_entries));
  if not p_is_replayed and not v_known @> p_entries then
    return false;
  end if;
  delete from public.journal_entries where id = any (p_entries);
  update public.journal_state
  set
    position = p_position,
    stored_at = clock_timestamp();
  return true;
end;
$$;
