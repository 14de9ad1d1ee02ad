-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Deletes people of the console, their sessions and their identity providers of a tenant that is being ended, p_most at
-- most. Returns how many: 0 if none is left.
create function drop_console_of_tenant(p_tenant text, p_most integer)
returns integer
language plpgsql
as $$
declare
  v_dropped integer;
begin
  perform assert_ending(p_tenant);
  delete from public.console_sessions
  where ctid = any (array(select ctid from public.console_sessions where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.console_users
  where ctid = any (array(select ctid from public.console_users where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  if v_dropped > 0 then
    return v_dropped;
  end if;
  delete from public.console_issuers
  where ctid = any (array(select ctid from public.console_issuers where tenant_id = p_tenant limit p_most));
  get diagnostics v_dropped = row_count;
  return v_dropped;
end;
$$;
