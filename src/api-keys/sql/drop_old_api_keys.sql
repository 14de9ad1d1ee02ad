-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes API keys of a tenant that were revoked or expired before p_before, p_most at most, those that ended first
-- first. What such a key has made counts as made by the nearest key above it that is kept. So a revocation with
-- descendants of a key that is kept finds the same keys as before. Returns how many it deleted: 0 also if somebody
-- works with a key that would have to be changed. It waits for nobody, so that nobody waits for it while it does.
create function drop_old_api_keys(p_tenant text, p_before timestamptz, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_over text[] := array(
    select id
    from public.api_keys
    where tenant_id = p_tenant and least(revoked_at, expires_at) < p_before
    order by least(revoked_at, expires_at)
    limit p_most
    for update skip locked
  );
  v_below text[] := array(
    select id
    from public.api_keys
    where tenant_id = p_tenant and parent_id = any (v_over) and id != all (v_over)
    for no key update skip locked
  );
begin
  if
    exists (
      select
      from public.api_keys
      where tenant_id = p_tenant and parent_id = any (v_over) and id != all (v_over) and id != all (v_below)
    )
  then
    return 0;
  end if;
  with recursive
    above as (
      select k.id, k.parent_id from public.api_keys as k where k.tenant_id = p_tenant and k.id = any (v_below)
      union all
      select a.id, p.parent_id
      from
        above as a
        join public.api_keys as p on p.tenant_id = p_tenant and p.id = a.parent_id
      where a.parent_id = any (v_over)
    )
  update public.api_keys as k
  set parent_id = a.parent_id
  from above as a
  where k.tenant_id = p_tenant and k.id = a.id and (a.parent_id is null or a.parent_id != all (v_over));
  delete from public.api_keys where tenant_id = p_tenant and id = any (v_over);
  return cardinality(v_over);
end;
$$;
