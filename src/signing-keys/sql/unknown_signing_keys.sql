-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns those of p_keys that are not here although their tenants are. p_tenants has the tenant of each, in the same
-- order. A key of a tenant that is not here belongs to another deployment.
create function unknown_signing_keys(p_tenants text[], p_keys text[])
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(f.key), '{}')
  from unnest(p_tenants, p_keys) as f (tenant, key)
  where
    exists (select from aws_account(f.tenant))
    and not exists (select from public.signing_keys as k where k.tenant_id = f.tenant and k.id = f.key);
$$;
