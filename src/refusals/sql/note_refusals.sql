-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Adds refused requests for tokens to those of this hour. The arrays belong together, and no tenant comes twice with a
-- reason.
create function note_refusals(p_tenants text[], p_reasons text[], p_requests bigint[])
returns void
language sql
as $$
  insert into public.refusals as r (tenant_id, hour, reason, requests)
  select n.tenant, date_trunc('hour', now(), 'UTC'), n.reason, n.requests
  from unnest(p_tenants, p_reasons, p_requests) as n (tenant, reason, requests)
  order by n.tenant, n.reason -- two replicas lock the rows in one order
  on conflict (tenant_id, hour, reason) do update set requests = r.requests + excluded.requests;
$$;
