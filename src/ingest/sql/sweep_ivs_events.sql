-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Drops events of IVS of the tenant that follows p_after_tenant: those that came longer ago than p_older_than, and
-- those beyond the newest p_kept. It drops p_most at most, the oldest first. Returns the tenant, and how many it
-- dropped; nothing if no tenant with events follows.
create function sweep_ivs_events(p_after_tenant text, p_older_than interval, p_kept integer, p_most integer)
returns table (tenant_id text, dropped bigint)
language plpgsql
as $$
declare
  v_tenant text := (select min(e.tenant_id) from public.ivs_events as e where e.tenant_id > p_after_tenant);
  v_before timestamptz;
  v_dropped bigint;
begin
  if v_tenant is null then
    return;
  end if;
  v_before := greatest(
    clock_timestamp() - p_older_than,
    (
      select e.received_at
      from public.ivs_events as e
      where e.tenant_id = v_tenant
      order by e.received_at desc
      offset p_kept
      limit 1
    )
  );
  delete from public.ivs_events as e
  where
    e.tenant_id = v_tenant
    and e.id in (
      select o.id
      from public.ivs_events as o
      where o.tenant_id = v_tenant and o.received_at <= v_before
      order by o.received_at
      limit p_most
    );
  get diagnostics v_dropped = row_count;
  return query select v_tenant, v_dropped;
end;
$$;
