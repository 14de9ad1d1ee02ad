-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Does again what an entry of the journal says, in a database that is older than the entry. Returns what was done:
-- 'replayed', 'known' (the database had it already, or it does not matter any more) or 'unknown tenant'. What it does
-- is in the audit log as journal.replay. p_action is the id of an action, if one is needed that the entry does not
-- name.
create function replay_entry(p_entry jsonb, p_audit_entry text, p_action text, p_limits jsonb)
returns text
language plpgsql
as $$
declare
  v_tenant text := p_entry ->> 'tenantId';
  v_done boolean;
begin
  perform set_config('app.tenant_id', v_tenant, true);
  if (find_tenant(v_tenant)).id is null then
    return 'unknown tenant';
  end if;
  perform restore_grants(v_tenant, coalesce(p_entry #> '{more,grants}', '[]'));
  v_done := case p_entry ->> 'action'
    when 'ban.create' then restore_ban(v_tenant, p_entry, p_limits)
    when 'ban.lift' then restore_lift(v_tenant, p_entry, p_limits)
    when 'ban.outranked' then restore_lift(v_tenant, p_entry, p_limits)
    when 'grants.revoke' then restore_revocation(v_tenant, p_entry ->> 'subject', p_entry, p_limits)
    when 'apiKey.revoke' then restore_key_ends(v_tenant, p_entry)
    when 'apiKey.rotate' then restore_key_ends(v_tenant, p_entry)
    when 'signingKey.delete' then restore_key_deletion(v_tenant, p_entry ->> 'subject')
    when 'issuer.update' then restore_issuer(v_tenant, p_entry ->> 'subject', p_entry #> '{more,issuer}')
    when 'issuer.delete' then restore_issuer(v_tenant, p_entry ->> 'subject', null)
    when 'consoleUser.put' then restore_console_user(v_tenant, p_entry)
    when 'consoleUser.delete' then restore_console_user(v_tenant, p_entry)
    when 'consoleIssuer.delete' then forget_console_issuer(v_tenant, p_entry ->> 'subject')
    when 'consoleSession.end' then end_console_session(v_tenant, p_entry ->> 'subject')
    when 'tenant.update' then restore_tenant_status(v_tenant, p_entry #>> '{details,status}')
    when 'webhook.delete' then forget_webhook(v_tenant, p_entry ->> 'subject', (p_entry ->> 'at')::timestamptz)
    else restore_member(v_tenant, p_entry)
      and restore_revocation(v_tenant, p_action, p_entry, p_limits)
  end;
  if not v_done then
    return 'known';
  end if;
  perform
    write_audit_entry(
      v_tenant, p_audit_entry, '{"kind":"system","id":"restore"}', 'journal.replay', p_entry ->> 'spaceId',
      p_entry ->> 'userId', p_entry ->> 'subject',
      jsonb_build_object('action', p_entry -> 'action', 'at', p_entry -> 'at', 'entry', p_entry -> 'id'), 'restore'
    );
  return 'replayed';
end;
$$;
