-- owner: migrator; security: invoker; execute: stagedoor_app
--
-- Lets a signing key be deleted again, after a restore from a backup that is older than its deletion. IVS makes the
-- stage tokens of the tenant if the key was active. Returns false if the key is being deleted, or is not known.
create function restore_key_deletion(p_tenant text, p_key text)
returns boolean
language plpgsql
set enable_seqscan = off
as $$
begin
  update public.signing_keys
  set
    state = 'deleting',
    attempted_at = 'epoch'
  where tenant_id = p_tenant and id = p_key and state != 'deleting' and removed_at is null;
  return found;
end;
$$;
