-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Says whether the credential of a caller is still valid. Callers are authenticated from a cache. This check refuses a
-- revoked key or a deleted issuer at the next statement.
-- p_kind is 'apiKey', 'consoleUser', 'user', 'operator' or 'system'. p_credential is the id of the key or of the
-- issuer. Of a key it has the id of a session of the console, too, with a dot between, if the request came with that
-- session. Of a person of the console it has their role and the id of their session.
create function credential_holds(p_tenant text, p_kind text, p_credential text)
returns boolean
language plpgsql
stable
as $$
begin
  return case p_kind
    when 'apiKey' then api_key_holds(p_tenant, split_part(p_credential, '.', 1))
      and (strpos(p_credential, '.') = 0 or console_session_holds(p_tenant, split_part(p_credential, '.', 2)))
    when 'consoleUser' then console_user_holds(
        p_tenant, split_part(p_credential, '.', 1), split_part(p_credential, '.', 2)
      )
    when 'user' then issuer_holds(p_tenant, p_credential)
    else coalesce(p_kind in ('operator', 'system'), false)
  end;
end;
$$;
