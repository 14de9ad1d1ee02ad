-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Deletes member rows of a space that is being deleted, p_most at most. Returns how many. The row of the space stays
-- for the ledger. Member rows would keep their roles from being deleted.
create function forget_members(p_tenant text, p_space text, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_members tid[] := array(
    select ctid from public.members where tenant_id = p_tenant and space_id = p_space limit p_most
  );
begin
  delete from public.members where ctid = any (v_members);
  return cardinality(v_members);
end;
$$;
