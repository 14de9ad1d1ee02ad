-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes grants, and the counts of places of a tenant that is being ended, p_most at most. Returns how many: 0 if none
-- is left.
create function drop_grants_of_tenant(p_tenant text, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_dropped integer;
begin
  perform assert_ending(p_tenant);
  delete from public.untold_grants
  where ctid = any (array(select ctid from public.untold_grants where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.place_notes
  where ctid = any (array(select ctid from public.place_notes where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.places
  where ctid = any (array(select ctid from public.places where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.place_sources
  where ctid = any (array(select ctid from public.place_sources where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.place_counts
  where ctid = any (array(select ctid from public.place_counts where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.grants
  where ctid = any (array(select ctid from public.grants where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  return v_dropped;
end;
$$;
