-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns the ids of the keys that IVS has deleted and whose grants are not all marked as revoked yet.
create function removed_signing_keys(p_tenant text)
returns text[]
language sql
stable
as $$
  select coalesce(array_agg(id), '{}') from public.signing_keys where tenant_id = p_tenant and removed_at is not null;
$$;
