-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the names of all roles of the tenant, the one of highest rank first.
create function role_names(p_tenant text)
returns text[]
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return array(select name from public.roles where tenant_id = p_tenant order by rank desc, name collate "C");
end;
$$;
