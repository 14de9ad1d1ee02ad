-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Makes an issuer what it was, after a restore from a backup that is older: p_row is its row of issuer_row; null: it
-- was deleted. Returns false if the database has no such issuer, or has this version of it. Its version grows, so that
-- no replica takes what it knows of another version with the same number.
create function restore_issuer(p_tenant text, p_issuer text, p_row jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  if p_row is null then
    delete from public.issuers where tenant_id = p_tenant and id = p_issuer;
    return found;
  end if;
  update public.issuers as i
  set
    audience = r.audience,
    audience_claim = r.audience_claim,
    jwks_uri = r.jwks_uri,
    jwks = r.jwks,
    secret = r.secret,
    secret_encoding = r.secret_encoding,
    algorithms = r.algorithms,
    claims = r.claims,
    roles = r.roles,
    user_id_prefix = r.user_id_prefix,
    max_life_seconds = r.max_life_seconds,
    keys_usable = r.keys_usable,
    keys_fetched_at = r.keys_fetched_at,
    keys_fault = r.keys_fault,
    version = r.version
  from jsonb_populate_record(null::public.issuers, p_row) as r
  where i.tenant_id = p_tenant and i.id = p_issuer and i.version < r.version;
  return found;
end;
$$;
