-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether an API key of the tenant is neither revoked nor expired.
create function api_key_holds(p_tenant text, p_key text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select
    from public.api_keys
    where tenant_id = p_tenant and id = p_key and revoked_at is null and (expires_at is null or expires_at > now())
  );
end;
$$;
