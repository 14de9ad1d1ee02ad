-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes events, and the log of them of a tenant that is being ended, p_most at most. Returns how many: 0 if none is
-- left.
create function drop_events_of_tenant(p_tenant text, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_dropped integer;
begin
  perform assert_ending(p_tenant);
  delete from public.events
  where ctid = any (array(select ctid from public.events where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.event_logs
  where ctid = any (array(select ctid from public.event_logs where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  return v_dropped;
end;
$$;
