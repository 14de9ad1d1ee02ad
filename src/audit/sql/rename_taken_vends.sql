-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Gives the vends among these whose id an audit entry of the tenant has already another id, so that they can be sealed.
-- The service makes no such vend, but whoever writes with its rights must not be able to stop the sealing. Returns how
-- many.
create function rename_taken_vends(p_entries public.audit[])
returns bigint
language plpgsql
as $$
declare
  v_renamed bigint;
begin
  update public.unsealed_vends as v
  set id = v.id || '_' || gen_random_uuid()
  from
    unnest(p_entries) as e
    join public.audit as a on a.tenant_id = e.tenant_id and a.id = e.id
  where v.tenant_id = e.tenant_id and v.id = e.id;
  get diagnostics v_renamed = row_count;
  return v_renamed;
end;
$$;
