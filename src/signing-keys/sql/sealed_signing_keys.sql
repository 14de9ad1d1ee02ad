-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the private halves of signing keys of all tenants that another master key than p_seal has sealed, in the
-- order of their keys, after p_tenant and p_id, p_most at most.
create function sealed_signing_keys(p_seal text, p_tenant text, p_id text, p_most integer)
returns table (tenant_id text, id text, sealed bytea)
language sql
stable
as $$
  select tenant_id, id, private_key
  from public.signing_keys
  where (tenant_id, id) > (p_tenant, p_id) and seal_of(private_key) != p_seal
  order by tenant_id, id
  limit p_most;
$$;
