-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Returns the data key of a tenant as the master key p_key, which is in AWS KMS, has encrypted it; null: there is none.
create function find_data_key(p_tenant text, p_key text)
returns bytea
language sql
stable
as $$
  select data_key from public.data_keys where tenant_id = p_tenant and master_key = p_key;
$$;
