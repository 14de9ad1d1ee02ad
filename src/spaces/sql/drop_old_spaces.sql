-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Looks at p_most spaces of a tenant that were deleted after p_after and before p_before, those that were deleted first
-- first, and at those that were deleted at the same time as the last one. It deletes the ones that nothing needs any
-- more: nothing of them is left at IVS, and no grant, ban, action, delivery, watch or session is on record. Returns how
-- many it deleted, and the time that it has reached: null if no more follow.
create function drop_old_spaces(p_tenant text, p_before timestamptz, p_after timestamptz, p_most integer)
returns table (dropped bigint, reached timestamptz)
language plpgsql
as $$
#variable_conflict use_column
declare
  v_reached timestamptz := (
    select max(o.deleted_at)
    from (
      select deleted_at
      from public.spaces
      where tenant_id = p_tenant and deleted_at > p_after and deleted_at < p_before
      order by deleted_at
      limit p_most
    ) as o
  );
  v_looked_at bigint;
  v_old text[];
  v_dropped bigint;
begin
  select
    count(*),
    array_agg(s.id) filter (
      where
        s.stage_arn is null
        and s.room_arn is null
        and s.ready_at is not null
        and not has_grants_in_space(p_tenant, s.id)
        and not has_bans_in_space(p_tenant, s.id)
        and not has_actions_in_space(p_tenant, s.id)
        and not has_deliveries_in_space(p_tenant, s.id)
        and not has_watch(p_tenant, s.id)
    )
  into v_looked_at, v_old
  from public.spaces as s
  where s.tenant_id = p_tenant and s.deleted_at > p_after and s.deleted_at <= v_reached;
  v_old := array(select o.id from unnest(v_old) as o (id) where forget_stage(p_tenant, o.id));
  delete from public.spaces as s where s.tenant_id = p_tenant and s.id = any (v_old);
  get diagnostics v_dropped = row_count;
  return query select v_dropped, case when v_looked_at >= p_most then v_reached end;
end;
$$;
