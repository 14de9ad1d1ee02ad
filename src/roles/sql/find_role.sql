-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the role of the tenant with this name, or the one of the console (role_of_console). A null row means that
-- there is none.
create function find_role(p_tenant text, p_name text)
returns public.roles
language plpgsql
stable
set enable_seqscan = off
as $$
declare
  v_role public.roles;
begin
  if is_of_console(p_name) then
    return role_of_console(p_tenant, p_name);
  end if;
  select * into v_role from public.roles where tenant_id = p_tenant and name = p_name;
  return v_role;
end;
$$;
