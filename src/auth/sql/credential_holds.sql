-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether the credential of a caller is still valid. Callers are authenticated from a cache. This check refuses a
-- revoked key or a deleted issuer at the next statement.
-- p_kind is 'apiKey', 'user', 'operator' or 'system'. p_credential is the id of the key or of the issuer.
create function credential_holds(p_tenant text, p_kind text, p_credential text)
returns boolean
language plpgsql
stable
as $$
begin
  return case p_kind
    when 'apiKey' then api_key_holds(p_tenant, p_credential)
    when 'user' then issuer_holds(p_tenant, p_credential)
    else coalesce(p_kind in ('operator', 'system'), false)
  end;
end;
$$;
