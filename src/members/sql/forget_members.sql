-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Deletes the member rows of a space that is being deleted. The row of the space stays for the ledger. Member rows
-- would keep their roles from being deleted.
create function forget_members(p_tenant text, p_space text)
returns void
language sql
as $$
  delete from public.members where tenant_id = p_tenant and space_id = p_space;
$$;
