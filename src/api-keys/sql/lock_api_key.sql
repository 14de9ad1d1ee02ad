-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Locks an API key that is neither revoked nor expired until the transaction ends, and returns its row; no row if there
-- is no such key. A key that makes another is locked with p_exclusively false: several may be made at a time, and
-- revoke_api_keys waits for all of them. A key that is replaced is locked with p_exclusively true.
create function lock_api_key(p_tenant text, p_key text, p_exclusively boolean)
returns setof public.api_keys
language plpgsql
set enable_seqscan = off
as $$
begin
  if p_exclusively then
    return query
      select *
      from public.api_keys
      where tenant_id = p_tenant and id = p_key and revoked_at is null and (expires_at is null or expires_at > now())
      for update;
  else
    return query
      select *
      from public.api_keys
      where tenant_id = p_tenant and id = p_key and revoked_at is null and (expires_at is null or expires_at > now())
      for key share;
  end if;
end;
$$;
