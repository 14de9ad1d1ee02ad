-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Keeps a data key of a tenant, encrypted by the master key p_key, unless there is one. Returns the one that is there
-- then: of several that are made at once, one counts for all.
create function keep_data_key(p_tenant text, p_key text, p_data_key bytea)
returns bytea
language plpgsql
as $$
begin
  insert into public.data_keys (tenant_id, master_key, data_key)
  values (p_tenant, p_key, p_data_key)
  on conflict (tenant_id, master_key) do nothing;
  return find_data_key(p_tenant, p_key);
end;
$$;
