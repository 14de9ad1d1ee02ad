-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the names of the tenant's roles that moderate, and keeps these roles from changes until the transaction ends.
create function lock_moderator_roles(p_tenant text)
returns text[]
language sql
as $$
  select coalesce(array_agg(locked.name), '{}')
  from (select name from public.roles where tenant_id = p_tenant and moderator order by name for share) as locked;
$$;
