-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Counts the client secrets of identity providers of all tenants by the master key that has sealed them, as seal_of
-- says.
create function seals_of_console_issuers()
returns table (seal text, secrets bigint)
language sql
stable
as $$
  select seal_of(client_secret), count(*)
  from public.console_issuers
  where seal_of(client_secret) is not null
  group by 1;
$$;
