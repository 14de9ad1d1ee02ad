-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the roles of the tenant with these names, as find_role does for one.
create function find_roles(p_tenant text, p_names text[])
returns setof public.roles
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return query select * from public.roles where tenant_id = p_tenant and name = any (p_names);
end;
$$;
