-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns whether the deployment has a tenant.
create function has_tenants()
returns boolean
language sql
stable
as $$
  select exists (select from public.tenants);
$$;
