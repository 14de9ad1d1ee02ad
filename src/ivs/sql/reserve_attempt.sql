-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Reserves an attempt of a tenant that costs calls to IVS. An attempt that succeeds is returned with return_attempt, so
-- this limits the failures of a tenant. Says whether the tenant has one left. p_rate and p_burst are as in
-- reserve_calls.
create function reserve_attempt(p_tenant text, p_rate double precision, p_burst double precision)
returns boolean
language sql
as $$
  select reserve_calls('tenant ' || p_tenant, 'failed attempts', 1, 1, 0, p_rate, p_burst) = 1;
$$;
