-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Returns what an API key may do and its name, as { "name", "scopes", "bounds" }; null if the tenant has no such key.
-- Whether the key still holds is for api_key_holds to say.
create function api_key_rights(p_tenant text, p_key text)
returns jsonb
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return (
    select jsonb_build_object('name', name, 'scopes', scopes, 'bounds', bounds)
    from public.api_keys
    where tenant_id = p_tenant and id = p_key
  );
end;
$$;
