-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes erasures of a tenant that were finished before p_before, p_most at most, the oldest first. Returns how many.
create function drop_old_erasures(p_tenant text, p_before timestamptz, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_old tid[] := array(
    select ctid
    from public.erasures
    where tenant_id = p_tenant and finished_at < p_before
    order by finished_at
    limit p_most
    for update skip locked
  );
begin
  delete from public.erasures where ctid = any (v_old);
  return cardinality(v_old);
end;
$$;
