-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the secrets of issuers of all tenants by the master key that has sealed them, as seal_of says.
create function seals_of_issuers()
returns table (seal text, secrets bigint)
language sql
stable
as $$
  select seal_of(secret), count(*) from public.issuers where seal_of(secret) is not null group by 1;
$$;
