-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Ends API keys again, as an entry apiKey.revoke or apiKey.rotate of the journal says, after a restore from a backup
-- that is older. Returns whether it ended any.
create function restore_key_ends(p_tenant text, p_entry jsonb)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  if p_entry ->> 'action' = 'apiKey.rotate' then
    update public.api_keys
    set
      expires_at = least(expires_at, (p_entry #>> '{details,until}')::timestamptz),
      replaced_by = p_entry ->> 'subject'
    where tenant_id = p_tenant and id = p_entry #>> '{details,replaces}' and replaced_by is null;
  else
    update public.api_keys
    set revoked_at = (p_entry ->> 'at')::timestamptz
    where
      tenant_id = p_tenant
      and id = any (
        array(
          select
            jsonb_array_elements_text(coalesce(p_entry #> '{details,revoked}', jsonb_build_array(p_entry -> 'subject')))
        )
      )
      and revoked_at is null;
  end if;
  return found;
end;
$$;
