-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Gives a person of the console the role of an entry consoleUser.put of the journal, or takes it (consoleUser.delete),
-- after a restore from a backup that is older. Their sessions end. A person whom the database does not know stays
-- unknown. Returns whether anything changed.
create function restore_console_user(p_tenant text, p_entry jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
declare
  v_user public.console_users;
begin
  select *
  into v_user
  from public.console_users
  where tenant_id = p_tenant and user_id = p_entry ->> 'subject'
  for update;
  if
    v_user.user_id is null
    or (
      p_entry ->> 'action' = 'consoleUser.put'
      and v_user.role = p_entry #>> '{details,role}'
      and v_user.issuer_id = p_entry #>> '{details,issuer}'
    )
  then
    return false;
  end if;
  perform end_sessions_of_person(p_tenant, v_user.issuer_id, v_user.user_id);
  if
    p_entry ->> 'action' = 'consoleUser.put'
    and exists (select from public.console_issuers where tenant_id = p_tenant and id = p_entry #>> '{details,issuer}')
  then
    update public.console_users
    set
      role = p_entry #>> '{details,role}',
      issuer_id = p_entry #>> '{details,issuer}',
      updated_at = now()
    where tenant_id = p_tenant and user_id = v_user.user_id;
  else
    delete from public.console_users where tenant_id = p_tenant and user_id = v_user.user_id;
  end if;
  return true;
end;
$$;
