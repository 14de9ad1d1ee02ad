-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Finds a valid API key by its hash, before the tenant is known. Returns no row if there is none.
-- It records the use of a valid key, but at most once in p_note_every: a write for every request would cost more than
-- the request.
create function find_api_key(p_slug text, p_hash bytea, p_note_every interval)
returns table (tenant_id text, id text, scopes text[], expires_at timestamptz, bounds jsonb)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_tenant text := tenant_of_slug(p_slug);
begin
  return query
    select k.tenant_id, k.id, k.scopes, k.expires_at::timestamptz, k.bounds
    from public.api_keys as k
    where
      k.tenant_id = v_tenant
      and k.hash = p_hash
      and k.revoked_at is null
      and (k.expires_at is null or k.expires_at > now());

  update public.api_keys
  set last_used_at = now()
  where
    found
    and tenant_id = v_tenant
    and hash = p_hash
    and (last_used_at is null or last_used_at < now() - p_note_every);
end;
$$;
