-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Suspends a tenant again, or ends that, after a restore from a backup that is older. Returns whether it changed.
create function restore_tenant_status(p_tenant text, p_status text)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  update public.tenants
  set
    status = p_status,
    updated_at = now()
  where id = p_tenant and status != p_status;
  return found;
end;
$$;
