-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes data keys of a tenant that is being ended, p_most at most. Returns how many: 0 if none is left.
create function drop_data_keys_of_tenant(p_tenant text, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_dropped integer;
begin
  perform assert_ending(p_tenant);
  delete from public.data_keys
  where ctid = any (array(select ctid from public.data_keys where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  return v_dropped;
end;
$$;
