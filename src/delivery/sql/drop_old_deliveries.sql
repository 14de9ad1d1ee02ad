-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes deliveries of a tenant that ended before p_before, the oldest first, p_most at most. Returns how many.
create function drop_old_deliveries(p_tenant text, p_before timestamptz, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_old tid[] := array(
    select ctid
    from public.deliveries
    where tenant_id = p_tenant and done_at < p_before
    order by done_at
    limit p_most
    for update skip locked
  );
begin
  delete from public.deliveries where ctid = any (v_old);
  return cardinality(v_old);
end;
$$;
