-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of the tenant with this name. A null row means that there is none.
create function find_role(p_tenant text, p_name text)
returns public.roles
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_role public.roles;
begin
  select * into v_role from public.roles where tenant_id = p_tenant and name = p_name;
  return v_role;
end;
$$;
