-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Lists the shared rates of accounts as they were when a call was last reserved: how many calls were left, and how many
-- seconds ago. Null p_account means all accounts. A rate that is not listed is whole. The failed attempts of
-- tenants are no rates.
create function ivs_call_levels(p_account text)
returns table (account text, operation text, allowance double precision, seconds double precision)
language sql
stable
as $$
  select p.account, p.operation, p.allowance, greatest(0, extract(epoch from now() - p.at))::double precision
  from public.pacing as p
  where (p_account is null or p.account = p_account) and p.account not like 'tenant %'
  order by p.account, p.operation;
$$;
