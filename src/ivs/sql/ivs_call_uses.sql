-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists who has made calls to IVS in the last minute, and about how many. Null p_account means all accounts.
create function ivs_call_uses(p_account text)
returns table (tenant text, account text, operation text, calls double precision)
language sql
stable
as $$
  select u.tenant_id, u.account, u.operation, u.calls
  from (
    select c.tenant_id, c.account, c.operation, recent_ivs_calls(c.recent, c.at) as calls
    from public.ivs_calls as c
    where p_account is null or c.account = p_account
  ) as u
  where u.calls >= 0.5
  order by u.account, u.operation, u.tenant_id;
$$;
