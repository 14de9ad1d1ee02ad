-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes bans of a tenant that ended before p_before, p_most at most, the one that ended first first. A ban stays
-- while it has an action, or while its end is not told. Returns how many it deleted.
create function drop_old_bans(p_tenant text, p_before timestamptz, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_over tid[] := array(
    select ctid
    from public.bans
    where
      tenant_id = p_tenant
      and least(lifted_at, expires_at, 'infinity'::timestamptz) < p_before
      and (lifted_at is not null or expiry_told)
      and not has_actions_of_ban(p_tenant, id)
    order by least(lifted_at, expires_at, 'infinity'::timestamptz)
    limit p_most
    for update skip locked
  );
begin
  delete from public.bans where ctid = any (v_over);
  return cardinality(v_over);
end;
$$;
