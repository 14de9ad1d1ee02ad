-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Says for how many seconds the oldest sealed entry of a tenant has been older than p_before; 0 if it is not, or if it
-- is the newest one, which stays.
create function overdue_audit(p_tenant text, p_before timestamptz)
returns double precision
language sql
stable
as $$
  select coalesce(greatest(extract(epoch from p_before - min(o.at)), 0), 0)::double precision
  from (
    select a.at, a.seq from public.audit as a where a.tenant_id = p_tenant and a.seq > 0 order by a.seq limit 1
  ) as o
  where exists (select from public.audit as a where a.tenant_id = p_tenant and a.seq > o.seq);
$$;
