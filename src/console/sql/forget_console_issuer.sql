-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Deletes an identity provider of the console, with the roles of everybody who signs in with it, and ends their
-- sessions. Returns whether it was there.
create function forget_console_issuer(p_tenant text, p_issuer text)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  perform end_sessions_of_person(p_tenant, p_issuer, null);
  delete from public.console_issuers where tenant_id = p_tenant and id = p_issuer;
  return found;
end;
$$;
