-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Enters a tenant for the rest of the transaction. Row-level security then shows the rows of that tenant and no others.
-- Every transaction about the rows of a tenant calls it first.
-- Raises SD401 if the credential is not valid any more, and SD403 if the tenant is suspended and p_must_be_active.
create function enter_tenant(p_tenant text, p_kind text, p_credential text, p_must_be_active boolean)
returns void
language plpgsql
as $$
begin
  perform set_config('app.tenant_id', p_tenant, true);
  if not credential_holds(p_tenant, p_kind, p_credential) then
    raise exception 'the credential no longer holds' using errcode = 'SD401';
  end if;
  if p_must_be_active and (find_tenant(p_tenant)).status != 'active' then
    raise exception 'the tenant is suspended' using errcode = 'SD403';
  end if;
end;
$$;
