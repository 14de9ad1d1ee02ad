-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Looks at p_most grants of a tenant that expired after p_after and before p_before, those that expired first first,
-- and at those that expired at the same time as the last one. It deletes the ones that no action holds, that no
-- delivery is about, and whose sessions have ended. Returns how many it deleted, and the time that it has reached: null
-- if no more follow.
create function drop_old_grants(p_tenant text, p_before timestamptz, p_after timestamptz, p_most integer)
returns table (dropped bigint, reached timestamptz)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_reached timestamptz := (
    select max(o.expires_at)
    from (
      select expires_at
      from public.grants
      where tenant_id = p_tenant and expires_at > p_after and expires_at < p_before
      order by expires_at
      limit p_most
    ) as o
  );
  v_looked_at bigint;
  v_old text[];
  v_dropped bigint;
begin
  select
    count(*),
    array_agg(g.id) filter (
      where
        g.session_expires_at < p_before
        and not exists (select from holds_of_grant(p_tenant, g.id))
        and not has_deliveries(p_tenant, null, g.id)
    )
  into v_looked_at, v_old
  from public.grants as g
  where g.tenant_id = p_tenant and g.expires_at > p_after and g.expires_at <= v_reached;
  delete from public.grants as g where g.tenant_id = p_tenant and g.id = any (v_old);
  get diagnostics v_dropped = row_count;
  return query select v_dropped, case when v_looked_at >= p_most then v_reached end;
end;
$$;
