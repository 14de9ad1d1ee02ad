-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes holds of a tenant's chat grants that expired before p_before, p_most at most. p_before lies further back than
-- a chat session lasts. The call that would have ended such a hold was given up, as after a long outage of IVS. Stage
-- holds stay: only a look says whether their participants have left. Returns how many it deleted.
create function drop_old_holds(p_tenant text, p_before timestamptz, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_over tid[] := array(
    select ctid
    from public.holds
    where tenant_id = p_tenant and kind = 'chat' and expires_at < p_before
    limit p_most
    for update skip locked
  );
begin
  delete from public.holds where ctid = any (v_over);
  return cardinality(v_over);
end;
$$;
