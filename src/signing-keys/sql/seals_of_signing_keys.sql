-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the private halves of signing keys of all tenants by the master key that has sealed them, as seal_of says.
create function seals_of_signing_keys()
returns table (seal text, secrets bigint)
language sql
stable
as $$
  select seal_of(private_key), count(*) from public.signing_keys where seal_of(private_key) is not null group by 1;
$$;
