-- owner: stagedoor_crossing; security: definer; execute: stagedoor_app
--
-- Notes that nothing is sealed with a master key any more. Returns false, and keeps it, if a replica has sealed with it
-- within p_idle. The caller has looked for what it sealed.
create function forget_master_key(p_key text, p_idle interval)
returns boolean
language plpgsql
as $$
begin
  delete from public.master_keys where id = p_key and used_at < clock_timestamp() - p_idle;
  return found;
end;
$$;
