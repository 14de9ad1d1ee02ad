-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Notes an audit entry for the journal, in the transaction of the change, if a restore from an older backup must not
-- undo the change. Which changes these are is written here alone. Without a journal it does nothing.
-- The grants that the act is against are noted too: a database that is older does not know them, and somebody may still
-- have their tokens. Of an issuer the row is noted, because the entry does not have its keys.
create function note_in_journal(
  p_tenant text,
  p_id text,
  p_caller jsonb,
  p_action text,
  p_space text,
  p_user text,
  p_subject text,
  p_details jsonb
)
returns void
language plpgsql
set enable_seqscan = off
as $$
declare
  v_act text;
begin
  if
    p_action != all (
      array[
        'ban.create', 'ban.lift', 'ban.outranked', 'grants.revoke', 'apiKey.revoke', 'apiKey.rotate',
        'signingKey.delete', 'issuer.update', 'issuer.delete', 'consoleUser.put', 'consoleUser.delete',
        'consoleIssuer.delete', 'consoleSession.end', 'member.put', 'member.delete', 'role.change', 'tenant.update',
        'webhook.delete'
      ]
    )
    or (p_action = 'tenant.update' and not p_details ? 'status')
    or not exists (select from public.journal_state)
  then
    return;
  end if;
  v_act := case p_action when 'ban.create' then p_details ->> 'action' when 'grants.revoke' then p_subject end;
  insert into public.journal_entries (tenant_id, id, caller, action, space_id, user_id, subject, details, more)
  values (
    p_tenant, p_id, p_caller, p_action, p_space, p_user, p_subject, p_details,
    jsonb_strip_nulls(
      jsonb_build_object(
        'grants', case when v_act is not null then held_grants(p_tenant, v_act) end,
        'issuer', case when p_action = 'issuer.update' then issuer_row(p_tenant, p_subject) end
      )
    )
  );
end;
$$;
