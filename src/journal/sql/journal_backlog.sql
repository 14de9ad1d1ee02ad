-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the journal of the database and what it has not stored yet, the oldest first and p_most at most:
-- { "journal", "position", "oldestSeconds", "entries": [...] }. Without a journal the first two are null.
create function journal_backlog(p_most integer)
returns jsonb
language plpgsql
stable
as $$
begin
  return jsonb_build_object(
    'journal', (select journal from public.journal_state), 'position', (select position from public.journal_state),
    'oldestSeconds', (
      select extract(epoch from clock_timestamp() - at) from public.journal_entries order by written limit 1
    ),
    'entries', array(
      select
        jsonb_build_object(
          'tenantId', tenant_id, 'id', id, 'at', at, 'caller', caller, 'action', action, 'spaceId', space_id,
          'userId', user_id, 'subject', subject, 'details', details, 'more', more
        )
      from public.journal_entries
      order by written
      limit p_most
    )
  );
end;
$$;
