-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the name of the space's default role, or null.
create function default_role_of_space(p_tenant text, p_space text)
returns text
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (select default_role from public.spaces where tenant_id = p_tenant and id = p_space);
end;
$$;
