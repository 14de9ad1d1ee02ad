-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of a person of the console who signs in, as console_role; null, too, if the identity provider is not
-- registered any more in the version p_version. Until the transaction ends, their role stays, and so does the provider:
-- whoever takes either waits, and then ends the session that the transaction makes.
create function lock_console_user(p_tenant text, p_user text, p_issuer text, p_version integer)
returns text
language plpgsql
set enable_seqscan = off
as $$
begin
  perform
  from public.console_issuers
  where tenant_id = p_tenant and id = p_issuer and version = p_version
  for share;
  if not found then
    return null;
  end if;
  perform from public.console_users where tenant_id = p_tenant and user_id = p_user for share;
  return console_role(p_tenant, p_user, p_issuer);
end;
$$;
