-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Looks at p_most actions of a tenant that follow p_after, the oldest first. Of those that were recorded before
-- p_before, it deletes the ones that nothing needs any more: their deliveries are deleted, nothing is held or left to
-- do for them, their end is told, their ban is over, and they do not freeze a space. Returns how many it deleted, and
-- the last action that it looked at: null if no older one can follow.
create function drop_old_actions(p_tenant text, p_before timestamptz, p_after text, p_most integer)
returns table (dropped bigint, reached text)
language plpgsql
as $$
declare
  v_looked_at public.actions[] := array(
    select a
    from public.actions as a
    where a.tenant_id = p_tenant and a.id > p_after
    order by a.id
    limit p_most
  );
  v_dropped bigint;
  v_last public.actions := v_looked_at[p_most];
begin
  delete from public.actions as d
  using unnest(v_looked_at) as a
  where
    d.tenant_id = p_tenant
    and d.id = a.id
    and a.created_at < p_before
    and a.delivery_told
    and not has_deliveries(p_tenant, a.id, null)
    and not is_holding(p_tenant, a.id)
    and not exists (select from public.unfinished_actions as u where u.tenant_id = p_tenant and u.action_id = a.id)
    and (a.ban_id is null or ban_is_over(p_tenant, a.ban_id))
    and not (
      a.kind = 'space.freeze'
      and (find_space(p_tenant, a.space_id)).frozen_at is not null
      and a.id = newest_freezing(p_tenant, a.space_id)
    );
  get diagnostics v_dropped = row_count;
  return query select v_dropped, case when v_last.created_at < p_before then v_last.id end;
end;
$$;
