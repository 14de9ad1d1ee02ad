-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes that a replica seals with a master key from now on, or still does. p_root is the root, sealed with that key.
-- p_began says whether values that name no key are sealed with it. p_kms_key is the ARN of a key in AWS KMS.
create function use_master_key(p_key text, p_began boolean, p_root bytea, p_kms_key text)
returns void
language plpgsql
as $$
begin
  insert into public.master_keys as k (id, began, root, kms_key)
  values (p_key, p_began, p_root, p_kms_key)
  on conflict (id) do update
    set used_at = clock_timestamp();
end;
$$;
