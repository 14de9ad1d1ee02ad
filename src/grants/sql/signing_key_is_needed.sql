-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether the signing key has signed a token that expires after p_after.
create function signing_key_is_needed(p_tenant text, p_key text, p_after timestamptz)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (
    select from public.grants where tenant_id = p_tenant and signing_key_id = p_key and expires_at > p_after
  );
end;
$$;
