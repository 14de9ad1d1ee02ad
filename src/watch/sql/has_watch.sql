-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether the stage of the space is watched.
create function has_watch(p_tenant text, p_space text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.watches where tenant_id = p_tenant and space_id = p_space);
end;
$$;
