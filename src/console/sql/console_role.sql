-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of a person of the console: viewer, moderator or admin; null if they have none. p_issuer is the
-- identity provider that they have signed in with: the same id from another provider is another person.
create function console_role(p_tenant text, p_user text, p_issuer text)
returns text
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select role from public.console_users where tenant_id = p_tenant and user_id = p_user and issuer_id = p_issuer
  );
end;
$$;
