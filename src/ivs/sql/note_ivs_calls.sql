-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes calls that a replica has made to IVS since it last noted some. The arrays belong together, and no tenant comes
-- twice with an account and operation. Earlier calls count for less: those of a minute ago for little more than a
-- third.
create function note_ivs_calls(p_tenants text[], p_accounts text[], p_operations text[], p_calls double precision[])
returns void
language sql
as $$
  insert into public.ivs_calls as c (tenant_id, account, operation, recent, at)
  select n.tenant, n.account, n.operation, n.calls, now()
  from unnest(p_tenants, p_accounts, p_operations, p_calls) as n (tenant, account, operation, calls)
  order by n.tenant, n.account, n.operation -- two replicas lock the rows in one order
  on conflict (tenant_id, account, operation) do update
    set
      recent = recent_ivs_calls(c.recent, c.at) + excluded.recent,
      at = excluded.at;
$$;
