-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the names of the tenant's roles that moderate.
create function moderator_roles(p_tenant text)
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(name), '{}') from public.roles where tenant_id = p_tenant and moderator;
$$;
