-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes what a replica has taken from allowances: each by its tenant and name, with the seconds that the allowance
-- needs for it to become whole again. Returns the seconds until each is whole, for what all replicas have taken. What
-- is whole later than in p_longest seconds is not so late: the clock of the database was set back. No name may come
-- twice.
create function settle_allowances(
  p_tenants text[],
  p_names text[],
  p_seconds double precision[],
  p_longest double precision
)
returns table (tenant text, allowance text, seconds double precision)
language sql
as $$
  insert into public.allowances as a (tenant_id, name, whole_at)
  select s.tenant, s.name, now() + make_interval(secs => s.seconds)
  from unnest(p_tenants, p_names, p_seconds) as s (tenant, name, seconds)
  order by s.tenant, s.name -- two replicas lock the rows in one order
  on conflict (tenant_id, name) do update
    set whole_at = least(greatest(a.whole_at, now()), now() + make_interval(secs => p_longest)) + (
      excluded.whole_at - now()
    )
  returning a.tenant_id, a.name, extract(epoch from a.whole_at - now())::double precision;
$$;
