-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether the ledger has a grant of the space, expired or not.
create function has_grants_in_space(p_tenant text, p_space text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.grants where tenant_id = p_tenant and space_id = p_space);
end;
$$;
