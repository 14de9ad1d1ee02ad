-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Enters a tenant for the rest of the transaction: row-level security then shows that tenant's rows and no others. It
-- is the first statement of every transaction about a tenant's things.
-- Raises SD401 if the credential no longer holds.
create function enter_tenant(p_tenant text, p_kind text, p_credential text)
returns void
language plpgsql
as $$
begin
  perform set_config('app.tenant_id', p_tenant, true);
  if not credential_holds(p_tenant, p_kind, p_credential) then
    raise exception 'the credential no longer holds' using errcode = 'SD401';
  end if;
end;
$$;
