-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether there is a ban from the space, in force or not.
create function has_bans_in_space(p_tenant text, p_space text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.bans where tenant_id = p_tenant and space_id = p_space);
end;
$$;
