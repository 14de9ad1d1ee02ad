-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Returns the row of a tenant. A null row means that there is none.
create function find_tenant(p_tenant text)
returns public.tenants
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_tenant public.tenants;
begin
  select * into v_tenant from public.tenants where id = p_tenant;
  return v_tenant;
end;
$$;
