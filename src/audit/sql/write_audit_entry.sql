-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Writes an entry of the audit log, in the transaction of the change that it records. seal_audit puts it into the hash
-- chain of the tenant within about a second. What a restore must not undo is noted for the journal, too.
create function write_audit_entry(
  p_tenant text,
  p_id text,
  p_caller jsonb,
  p_action text,
  p_space text,
  p_user text,
  p_subject text,
  p_details jsonb,
  p_request text
)
returns void
language plpgsql
as $$
begin
  insert into public.audit (tenant_id, id, caller, action, space_id, user_id, subject, details, request_id)
  values (p_tenant, p_id, p_caller, p_action, p_space, p_user, p_subject, p_details, p_request);
  perform note_in_journal(p_tenant, p_id, p_caller, p_action, p_space, p_user, p_subject, p_details);
end;
$$;
