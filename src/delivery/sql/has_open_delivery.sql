-- owner: migrator; security: invoker; execute: stagedoor_app, stagedoor_crossing
--
-- Says whether a delivery about this grant is open: the service will call IVS, or call it again.
create function has_open_delivery(p_tenant text, p_grant text)
returns boolean
language sql
stable
as $$
  select
    exists (
      select from public.deliveries where tenant_id = p_tenant and grant_id = p_grant and state in ('pending', 'stuck')
    );
$$;
