-- owner: migrator; security: invoker; execute: stagedoor_crossing
--
-- Says whether there is an action in the space.
create function has_actions_in_space(p_tenant text, p_space text)
returns boolean
language plpgsql
stable
set enable_seqscan = off
as $$
begin
  return exists (select from public.actions where tenant_id = p_tenant and space_id = p_space);
end;
$$;
